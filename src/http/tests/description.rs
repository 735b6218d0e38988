//! The description of the API against the API.

use axum::http::StatusCode;
use serde_json::Value;

use super::Edge;
use crate::http::error::Kind;

async fn description() -> Value {
    let (status, description) = Edge::new().ask("GET", "/api/openapi.json", "").await;
    assert_eq!(status, StatusCode::OK);
    description
}

#[tokio::test]
async fn every_route_is_described() {
    let description = description().await;
    let mut routes: Vec<String> = Vec::new();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        routes.extend(operations.as_object().expect("operations").keys().map(|method| format!("{method} {path}")));
    }
    routes.sort();
    assert_eq!(
        routes,
        [
            "delete /api/history",
            "delete /api/history/{id}",
            "get /api/call/{id}",
            "get /api/health",
            "get /api/history",
            "get /api/openapi.json",
            "get /api/request/{requestId}",
            "get /health",
            "get /media-stream",
            "get /media-stream/{token}",
            "get /metrics",
            "post /api/call",
            "post /api/call/{id}/continue",
            "post /api/call/{id}/end",
            "post /api/call/{id}/speak",
            "post /api/call/{id}/wait",
            "post /api/message",
            "post /sms",
            "post /twiml",
            "post /whatsapp",
        ]
    );
}

#[tokio::test]
async fn every_row_of_the_error_table_is_described_where_it_can_come() {
    let description = description().await;
    let codes = &description["components"]["schemas"]["ErrorBody"]["properties"]["code"]["enum"];
    assert_eq!(codes.as_array().map(Vec::len), Some(Kind::ALL.len()));
    for kind in Kind::ALL {
        let row = kind.row();
        let told = description["paths"].as_object().expect("paths").values().any(|operations| {
            operations.as_object().expect("operations").values().any(|operation| {
                let response = &operation["responses"][row.status.as_str()];
                response["description"].as_str().is_some_and(|text| text.contains(&format!("`{}`", row.code)))
            })
        });
        assert!(told, "{} {}", row.status, row.code);
    }
}

#[tokio::test]
async fn every_agents_route_names_its_key_and_its_shapes_exist() {
    let description = description().await;
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for operation in operations.as_object().expect("operations").values() {
            assert_eq!(operation["security"].is_array(), path.starts_with("/api/"), "{path}");
        }
    }
    let text = description.to_string();
    let schemas = description["components"]["schemas"].as_object().expect("schemas");
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("a name");
        assert!(schemas.contains_key(name), "{name} is not described");
    }
}
