//! The line: what belongs to the person rather than to a session. For now, which sessions hold a live call.

use crate::ids::SessionId;

/// One person's line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    live: Vec<SessionId>,
}

impl Line {
    /// Takes the line for a call, when fewer than `most` are live.
    ///
    /// # Errors
    /// With the session that holds the line.
    pub fn take(&mut self, session: &SessionId, most: usize) -> Result<(), SessionId> {
        self.has_room(most).map_err(Clone::clone)?;
        self.live.push(session.clone());
        Ok(())
    }

    /// Whether fewer than `most` calls are live.
    ///
    /// # Errors
    /// With the session that holds the line.
    pub fn has_room(&self, most: usize) -> Result<(), &SessionId> {
        match self.live.last() {
            Some(holder) if self.live.len() >= most.max(1) => Err(holder),
            _ => Ok(()),
        }
    }

    /// Gives the line back; giving back what was not taken changes nothing.
    pub fn release(&mut self, session: &SessionId) {
        self.live.retain(|live| live != session);
    }

    /// Whether no call is live.
    pub fn is_free(&self) -> bool {
        self.live.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_taken_as_often_as_allowed_and_names_its_holder() {
        let id = |n: u32| SessionId::parse(&format!("call-{n}-1")).expect("a valid id");
        let mut line = Line::default();
        assert_eq!(line.take(&id(1), 1), Ok(()));
        assert_eq!(line.take(&id(2), 1), Err(id(1)));
        assert_eq!(line.take(&id(2), 2), Ok(()));
        line.release(&id(3));
        line.release(&id(1));
        line.release(&id(2));
        assert!(line.is_free());
    }
}
