//! What commands say on their way out, where something is not as it should be.

use std::io::{Read, pipe};
use std::process::{Command, Stdio};

use super::process::{Process, free_port};

/// Runs a command whose standard output nobody reads any more; gives its exit code and what it wrote on the other stream.
fn unread(arguments: &[&str]) -> (Option<i32>, String) {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_callme"));
    command.args(arguments).env_clear().current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary can be started");
    let mut written = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut written).expect("text");
    (child.wait().expect("it can be waited for").code(), written)
}

#[test]
fn a_reader_that_stops_reading_ends_no_command_in_a_panic() {
    for (arguments, code) in [(&["doctor", "--json"][..], Some(1)), (&["doctor"], Some(1)), (&["--help"], Some(0))] {
        assert_eq!(unread(arguments), (code, String::new()), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_in_use_is_said_in_one_line_with_its_remedy() {
    let port = free_port();
    let _taken = std::net::TcpListener::bind(("0.0.0.0", port)).expect("a free port");
    let named = port.to_string();
    for (arguments, remedy) in [(&["serve"][..], "CALLME_PORT"), (&["demo", "--no-open", "--port", &named], "--port")] {
        let settings = [("CALLME_PORT", named.clone()), ("RUST_BACKTRACE", "1".to_owned())];
        let refused = Process::run(arguments, &settings).await;
        assert_eq!((refused.code, refused.written.lines().count()), (Some(1), 1), "{refused:?}");
        let said = refused.written.starts_with(&format!("callme: cannot listen on port {port}: it is in use; "));
        assert!(said && refused.written.contains(remedy), "{refused:?}");
    }
}
