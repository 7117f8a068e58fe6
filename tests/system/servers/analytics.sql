SELECT status, flag, SUM(qty) AS qty, SUM(price) AS base, SUM(price * (1 - discount)) AS paid, AVG(qty) AS mean, COUNT(*) AS n FROM item WHERE shipped <= date '2026-12-01' - {n} GROUP BY status, flag ORDER BY status, flag;

SELECT s.balance, s.name, n.name, p.id FROM part p, supplier s, offer o, nation n, region r WHERE p.id = o.part_id AND s.id = o.supplier_id AND p.size = {n} AND p.kind LIKE '%TIN{n}' AND s.nation_id = n.id AND n.region_id = r.id AND r.name = 'r{n}' AND o.cost = (SELECT MIN(o2.cost) FROM offer o2, supplier s2 WHERE p.id = o2.part_id AND s2.id = o2.supplier_id) ORDER BY s.balance DESC, n.name, s.name LIMIT 100;

SELECT i.order_id, SUM(i.price * (1 - i.discount)) AS revenue, o.ordered, o.priority FROM customer c JOIN orders o ON c.id = o.customer_id JOIN item i ON i.order_id = o.id WHERE c.segment = 's{n}' AND o.ordered < '2026-03-1{n}' AND i.shipped > '2026-03-1{n}' GROUP BY i.order_id, o.ordered, o.priority ORDER BY revenue DESC, o.ordered LIMIT 10;

SELECT priority, COUNT(*) AS n FROM orders WHERE ordered >= date '2026-0{n}-01' AND ordered < date '2026-0{n}-01' + interval '3 month' AND EXISTS (SELECT 1 FROM item WHERE order_id = orders.id AND committed < received) GROUP BY priority ORDER BY priority;

SELECT n.name, SUM(i.price) FROM customer c, orders o, item i, supplier s, nation n WHERE c.id = o.customer_id AND i.order_id = o.id AND i.supplier_id = s.id AND c.nation_id = s.nation_id AND s.nation_id = n.id AND n.region_id = {n} GROUP BY n.name ORDER BY 2 DESC;

SELECT SUM(price * discount) FROM item WHERE shipped BETWEEN '2026-01-0{n}' AND '2026-06-0{n}' AND discount BETWEEN 0.0{n} - 0.01 AND 0.0{n} + 0.01 AND qty < 2{n};

SELECT supp, cust, year, SUM(volume) FROM (SELECT n1.name AS supp, n2.name AS cust, EXTRACT(YEAR FROM i.shipped) AS year, i.price AS volume FROM supplier s, item i, orders o, customer c, nation n1, nation n2 WHERE s.id = i.supplier_id AND o.id = i.order_id AND c.id = o.customer_id AND s.nation_id = n1.id AND c.nation_id = n2.id AND ((n1.name = 'a{n}' AND n2.name = 'b{n}') OR (n1.name = 'b{n}' AND n2.name = 'a{n}'))) AS trade GROUP BY supp, cust, year ORDER BY supp, cust, year;

SELECT year, SUM(CASE WHEN nation = 'n{n}' THEN volume ELSE 0 END) / SUM(volume) AS share FROM (SELECT EXTRACT(YEAR FROM o.ordered) AS year, i.price AS volume, n.name AS nation FROM item i JOIN orders o ON o.id = i.order_id JOIN supplier s ON s.id = i.supplier_id JOIN nation n ON n.id = s.nation_id) AS all_nations GROUP BY year HAVING SUM(volume) > {n} ORDER BY year;

SELECT n.name, EXTRACT(YEAR FROM o.ordered) AS year, SUM(i.price * (1 - i.discount) - f.cost * i.qty) AS profit FROM part p JOIN item i ON p.id = i.part_id JOIN offer f ON f.part_id = i.part_id AND f.supplier_id = i.supplier_id JOIN supplier s ON s.id = i.supplier_id JOIN orders o ON o.id = i.order_id JOIN nation n ON n.id = s.nation_id WHERE p.name LIKE '%green{n}%' GROUP BY n.name, year ORDER BY n.name, year DESC;

SELECT c.id, c.name, SUM(i.price) AS lost, c.balance FROM customer c LEFT JOIN orders o ON c.id = o.customer_id LEFT JOIN item i ON i.order_id = o.id WHERE i.flag = 'R' AND o.ordered >= '2026-0{n}-01' GROUP BY c.id, c.name, c.balance ORDER BY lost DESC LIMIT 20;

SELECT part_id, SUM(cost * available) AS value FROM offer GROUP BY part_id HAVING SUM(cost * available) > (SELECT SUM(cost * available) * 0.000{n} FROM offer) ORDER BY value DESC;

SELECT mode, SUM(CASE WHEN priority = '1-URGENT' OR priority = '2-HIGH' THEN 1 ELSE 0 END) AS high FROM orders, item WHERE orders.id = item.order_id AND mode = 'm{n}' AND committed < received AND shipped < committed GROUP BY mode ORDER BY mode;

SELECT orders_of, COUNT(*) AS customers FROM (SELECT c.id, COUNT(o.id) AS orders_of FROM customer c LEFT OUTER JOIN orders o ON c.id = o.customer_id AND o.note NOT LIKE '%special{n}%' GROUP BY c.id) AS counts GROUP BY orders_of ORDER BY customers DESC, orders_of DESC;

SELECT 100.00 * SUM(CASE WHEN p.kind LIKE 'PROMO%' THEN i.price ELSE 0 END) / NULLIF(SUM(i.price), 0) FROM item i INNER JOIN part p ON i.part_id = p.id AND i.shipped >= date '2026-0{n}-01';

WITH revenue AS (SELECT supplier_id, SUM(price) AS total FROM item WHERE shipped >= '2026-0{n}-01' GROUP BY supplier_id) SELECT s.id, s.name, r.total FROM supplier s, revenue r WHERE s.id = r.supplier_id AND r.total = (SELECT MAX(total) FROM revenue) ORDER BY s.id;

SELECT p.kind, p.size, COUNT(DISTINCT f.supplier_id) AS suppliers FROM offer f, part p WHERE p.id = f.part_id AND p.kind <> 'k{n}' AND f.supplier_id NOT IN (SELECT id FROM supplier WHERE note LIKE '%complaint{n}%') GROUP BY p.kind, p.size ORDER BY suppliers DESC;

SELECT SUM(price) / 7.0 AS yearly FROM item i1 WHERE qty < (SELECT 0.2 * AVG(qty) FROM item i2 WHERE i2.part_id = i1.part_id) AND part_id > {n};

SELECT c.name, o.id, SUM(i.qty) FROM customer c, orders o, item i WHERE o.id IN (SELECT order_id FROM item GROUP BY order_id HAVING SUM(qty) > 3{n}) AND c.id = o.customer_id AND o.id = i.order_id GROUP BY c.name, o.id ORDER BY 3 DESC LIMIT 100;

SELECT SUM(i.price) FROM item i, part p WHERE p.id = i.part_id AND ((p.size = {n} AND i.qty >= 1 AND i.mode = 'AIR') OR (p.size > {n} AND i.qty <= 2{n} AND i.flag = 'N'));

SELECT s.name FROM supplier s WHERE s.id IN (SELECT f.supplier_id FROM offer f WHERE f.part_id IN (SELECT p.id FROM part p WHERE p.name LIKE 'forest{n}%') AND f.available > (SELECT 0.5 * SUM(i.qty) FROM item i WHERE i.part_id = f.part_id AND i.supplier_id = f.supplier_id)) ORDER BY s.name;

SELECT s.name, COUNT(*) AS waiting FROM supplier s JOIN item i1 ON s.id = i1.supplier_id WHERE i1.received > i1.committed AND EXISTS (SELECT 1 FROM item i2 WHERE i2.order_id = i1.order_id AND i2.supplier_id <> i1.supplier_id) AND NOT EXISTS (SELECT 1 FROM item i3 WHERE i3.order_id = i1.order_id AND i3.supplier_id <> i1.supplier_id AND i3.received > i3.committed) AND s.nation_id = {n} GROUP BY s.name ORDER BY waiting DESC, s.name LIMIT 100;

SELECT code, COUNT(*) AS n, SUM(balance) FROM (SELECT SUBSTRING(phone FROM 1 FOR 2) AS code, balance FROM customer c WHERE balance > (SELECT AVG(balance) FROM customer WHERE balance > 0.0{n}) AND NOT EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id)) AS idle GROUP BY code ORDER BY code
