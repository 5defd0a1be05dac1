use crate::mesh::{Mesh, WEB, plugin_config};
use peergate_sandbox::Request;
#[test]
fn explore_hosts() {
    let mesh = Mesh::with_config(plugin_config(|_| {}));
    for host in [
        "admin.shop",
        "admin.shop.",
        "admin.shop..",
        "x@admin.shop",
        "x:y@admin.shop",
        "admin.shop,orders.shop",
        "admin.shop:",
        "admin.shop:080",
        "admin.shop:80",
        "ADMIN.shop",
        "admin%2Eshop",
        "admin.shop ",
        "admin.shop/x",
        "admin.shop?x",
        "admin.shop#x",
        "admin.shop\\x",
        "http://admin.shop",
        "admin.shop;x",
        "[::1]",
        "[::1].",
        "admin.shop\u{e9}",
        "admin\u{3002}shop",
        "admin_.shop",
        "admin.shop\tx",
        "*.shop",
        "",
        " admin.shop",
        "admin.shop:99999",
        "admin.shop:x",
        "a,".repeat(20).leak(),
    ] {
        for http2 in [false, true] {
            let out = if http2 {
                let client = mesh.client_as(WEB).http2();
                match client.send(&Request::get("/orders").authority(host)) {
                    Ok(r) => match r.received() {
                        Ok(x) => format!("{:?}", x),
                        Err(_) => format!("status {}", r.status),
                    },
                    Err(e) => format!("error {e}"),
                }
            } else {
                let client = mesh.client_as(WEB);
                let raw = [
                    b"GET /orders HTTP/1.1\r\nhost: ",
                    host.as_bytes(),
                    b"\r\nconnection: close\r\n\r\n",
                ]
                .concat();
                match client.send_raw(&raw) {
                    Ok(r) => String::from_utf8_lossy(&r).into_owned(),
                    Err(e) => format!("error {e}"),
                }
            };
            let start = out.find("\"host\"").or(out.find("authority")).unwrap_or(0);
            println!(
                "ZZ {host:?} h2={http2} {:?} ... {:?}",
                out.chars().take(14).collect::<String>(),
                out.chars().skip(start).take(90).collect::<String>()
            );
        }
    }
    let client = mesh.client_as(WEB);
    for raw in [&b"GET /orders HTTP/1.1\r\nhost: admin.shop\r\nhost: orders.shop\r\nconnection: close\r\n\r\n"[..], b"GET http://admin.shop/orders HTTP/1.1\r\nhost: orders.shop\r\nconnection: close\r\n\r\n", b"GET http://x@admin.shop/orders HTTP/1.1\r\nhost: orders.shop\r\nconnection: close\r\n\r\n", b"GET http://admin.shop./orders HTTP/1.1\r\nhost: orders.shop\r\nconnection: close\r\n\r\n"] {
        println!("ZZ raw {:?}", client.send_raw(raw).map(|r| String::from_utf8_lossy(&r).into_owned()));
    }
}
