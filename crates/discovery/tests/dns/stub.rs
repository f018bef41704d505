//! A name server that answers every question with one code, for what dnsmasq would not answer.

use std::net::{SocketAddr, UdpSocket};

/// Answers until the test's process ends; the code is RFC 1035's RCODE (section 4.1.1).
pub(crate) fn answering(code: u8) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("bound");
    std::thread::spawn(move || {
        let mut message = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut message) {
            message[2] |= 0x80; // an answer
            message[3] = code;
            let _ = socket.send_to(&message[..len], from); // whoever asked may be gone
        }
    });
    address
}
