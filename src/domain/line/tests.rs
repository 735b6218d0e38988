//! The line, decision by decision.

use super::*;

fn id(n: u32) -> SessionId {
    SessionId::parse(&format!("call-{n}-1")).expect("a valid id")
}

#[test]
fn the_line_is_taken_as_often_as_allowed_and_names_its_holder() {
    let mut line = Line::default();
    assert_eq!(line.take(&id(1), 1), Ok(()));
    assert_eq!(line.take(&id(2), 1), Err(id(1)));
    assert_eq!(line.take(&id(2), 2), Ok(()));
    line.release(&id(3));
    line.release(&id(1));
    line.release(&id(2));
    assert_eq!(line.has_room(1), Ok(()));
}
