//! A server as if it were some network away: every message to it is on its way for a while.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

/// What a network of a data centre with a firewall in it takes; loops cost what they cost there, whatever the machine.
const UNDER_WAY: Duration = Duration::from_millis(2);

/// A port of loopback behind which a server is far; it ends with the test process.
pub fn far(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                continue;
            };
            let both = [&client, &server].map(TcpStream::try_clone);
            let [Ok(to_client), Ok(from_server)] = both else {
                continue;
            };
            std::thread::spawn(move || pass(client, server, UNDER_WAY));
            std::thread::spawn(move || pass(from_server, to_client, Duration::ZERO));
        }
    });
    address.expect("a bound socket has an address").port()
}

fn pass(mut from: TcpStream, mut to: TcpStream, under_way: Duration) {
    let mut message = vec![0; 64 << 10];
    let quick = to.set_nodelay(true);
    while let Ok(length @ 1..) = from.read(&mut message) {
        std::thread::sleep(under_way);
        if to.write_all(&message[..length]).is_err() {
            break;
        }
    }
    drop(quick.and_then(|()| to.shutdown(Shutdown::Write)));
}
