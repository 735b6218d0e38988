//! The fields of a form, in their order.

/// Names and values; a name may come more than once.
pub(super) type Form = Vec<(String, String)>;

/// Reads a form, of a body or a query.
pub(super) fn read(text: &[u8]) -> Form {
    form_urlencoded::parse(text).into_owned().collect()
}

/// Makes a form of fields that each come once.
pub(super) fn of<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> Form {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A field's value; an empty one counts as none.
pub(super) fn field<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// Sets a field, in place of what it was.
pub(super) fn set(form: &mut Form, name: &str, value: String) {
    form.retain(|(n, _)| n != name);
    form.push((name.to_owned(), value));
}
