//! Tells people: the outbox is read, messages are rendered and sent.
