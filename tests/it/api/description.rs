//! Answers against the description that the server gives of them: nothing undescribed, nothing missing.

use serde_json::Value;

use crate::world::Answer;

/// `/api/openapi.json`.
pub(crate) struct Description(Value);

impl Description {
    pub(crate) fn new(description: Value) -> Self {
        assert!(description["paths"].is_object(), "{description}");
        Self(description)
    }

    /// How an answer differs from what is said about this route; empty when it does not.
    pub(crate) fn differences(&self, method: &str, path: &str, answer: &Answer) -> Vec<String> {
        let responses = &self.0["paths"][path][method]["responses"];
        let response = &responses[answer.status.to_string()];
        if response.is_null() {
            return vec![format!("status {} is not described", answer.status)];
        }
        let mut wrong = Vec::new();
        self.check(&response["content"]["application/json"]["schema"], &answer.body, "", &mut wrong);
        wrong
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let mut parts = Vec::new();
        self.flatten(schema, value, &mut parts);
        if parts.iter().all(|part| part.as_object().is_none_or(serde_json::Map::is_empty)) {
            wrong.push(format!("{at}: no schema"));
        }
        for part in &parts {
            let types = match &part["type"] {
                Value::Array(types) => types.clone(),
                Value::Null => vec![],
                one => vec![one.clone()],
            };
            if !types.is_empty() && !types.iter().any(|kind| is(kind.as_str().unwrap_or_default(), value)) {
                wrong.push(format!("{at}: {value} is not {types:?}"));
            }
            if let Some(known) = part["enum"].as_array()
                && !known.contains(value)
            {
                wrong.push(format!("{at}: {value} is none of {known:?}"));
            }
            for required in part["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if value.get(required).is_none() {
                    wrong.push(format!("{at}/{required}: required, and missing"));
                }
            }
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                self.check(&part["items"], item, &format!("{at}/{index}"), wrong);
            }
        }
        for (name, field) in value.as_object().into_iter().flatten() {
            match parts.iter().map(|part| &part["properties"][name]).find(|schema| !schema.is_null()) {
                Some(schema) => self.check(schema, field, &format!("{at}/{name}"), wrong),
                None => wrong.push(format!("{at}/{name}: not described")),
            }
        }
    }

    /// The schemas that all hold at once. Of alternatives it takes the one that knows the value's type.
    fn flatten(&self, schema: &Value, value: &Value, parts: &mut Vec<Value>) {
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.trim_start_matches('#');
            return self.flatten(self.0.pointer(pointer).unwrap_or(&Value::Null), value, parts);
        }
        if let Some(all) = schema["allOf"].as_array() {
            for one in all {
                self.flatten(one, value, parts);
            }
            return;
        }
        for alternatives in ["oneOf", "anyOf"] {
            if let Some(some) = schema[alternatives].as_array() {
                let fitting = some.iter().find(|one| (one["type"] == "null") == value.is_null());
                return self.flatten(fitting.unwrap_or(&Value::Null), value, parts);
            }
        }
        parts.push(schema.clone());
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
