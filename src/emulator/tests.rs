//! What a server can rely on when it talks to the emulator.
