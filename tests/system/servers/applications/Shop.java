import java.sql.*;
import java.util.logging.*;

/** Throws each kind of error once, by the drivers of MariaDB and PostgreSQL: `java -cp DRIVERS Shop.java MYSQL_PORT POSTGRES_PORT`. */
public class Shop {
    static final Logger LOG = Logger.getLogger("com.shop.Orders");
    interface Work { void run() throws Exception; }
    static void trying(String name, Work work) {
        LOG.info("trying " + name);
        try { work.run(); } catch (Exception e) {
            LOG.log(Level.SEVERE, "order of kanarie failed: " + name, new RuntimeException("cannot load orders", e));
        }
    }
    static void run(Connection c, String sql, Object... args) throws SQLException {
        try (PreparedStatement s = c.prepareStatement(sql)) {
            for (int i = 0; i < args.length; i++) s.setObject(i + 1, args[i]);
            s.execute();
        }
    }
    public static void main(String[] a) throws Exception {
        Connection m = DriverManager.getConnection("jdbc:mariadb://127.0.0.1:" + a[0] + "/shop?user=root");
        Connection p = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + a[1] + "/shop?user=postgres");
        for (Connection c : new Connection[] {m, p}) {
            String who = c.getMetaData().getDatabaseProductName();
            trying(who + " alias", () -> run(c, "SELECT id, amount * 2 AS total FROM orders WHERE total > ? AND holder = 'kanarie'", 5));
            trying(who + " table", () -> run(c, "SELECT id FROM carts WHERE id = ?", 7));
            trying(who + " duplicate", () -> run(c, "INSERT INTO orders VALUES (?, ?, ?)", 1, 5, "kanarie"));
            trying(who + " null", () -> run(c, "INSERT INTO orders VALUES (?, ?, ?)", 3, null, "kanarie"));
            trying(who + " long", () -> run(c, "INSERT INTO orders VALUES (?, ?, ?)", 3, 1, "kanarie".repeat(9)));
            trying(who + " syntax", () -> run(c, "SELEKT kanarie FRM orders"));
        }
        trying("cut", () -> { try (Statement s = p.createStatement()) { s.execute("SET statement_timeout = 10"); s.execute("SELECT pg_sleep(1)"); } });
        trying("refused my", () -> DriverManager.getConnection("jdbc:mariadb://127.0.0.1:1/shop?user=root"));
        trying("refused pg", () -> DriverManager.getConnection("jdbc:postgresql://127.0.0.1:1/shop?user=postgres"));
        trying("denied", () -> DriverManager.getConnection("jdbc:mariadb://127.0.0.1:" + a[0] + "/shop?user=kanarie&password=x"));
        trying("many", () -> { for (int i = 0; i < 20; i++) DriverManager.getConnection("jdbc:mariadb://127.0.0.1:" + a[0] + "/shop?user=root"); });
        trying("many", () -> { for (int i = 0; i < 20; i++) DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + a[1] + "/shop?user=postgres"); });
        try { run(m, "SELECT note FROM orders"); } catch (SQLException e) { e.printStackTrace(); }
        try { run(p, "SELECT note FROM orders"); } catch (SQLException e) { e.printStackTrace(); }
    }
}
