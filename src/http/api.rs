//! The agents' routes. Each asks the service and waits; a client that goes away ends nothing.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::App;
use super::auth::Principal;
use super::body::{Asked, AskedInWriting, Named, NamedRequest, Patience, Said, Written};
use super::error::ApiError;
use super::json::{CallJson, DeletedJson, EndedJson, HistoryJson, ReplyJson, SpokenJson, ViewJson, WrittenJson};

type Answer<T> = Result<Json<T>, ApiError>;

/// Rings the person, says the message and waits for the reply.
#[utoipa::path(post, path = "/api/call", tag = "agents", request_body = Said,
    params(("Idempotency-Key" = Option<String>, Header, description = "names the request across its repeats"),
        ("Prefer" = Option<String>, Header, description = "`wait=<seconds>`: answer 202 when nobody replied by then")),
    responses((status = 200, description = "the person replied", body = CallJson)))]
pub(super) async fn call(State(app): State<App>, Asked(ask): Asked) -> Answer<CallJson> {
    Ok(Json(app.verbs.call(ask).await?.into()))
}

/// Writes the message without ringing and waits for the reply.
#[utoipa::path(post, path = "/api/message", tag = "agents", request_body = Written,
    params(("Idempotency-Key" = Option<String>, Header, description = "names the request across its repeats"),
        ("Prefer" = Option<String>, Header, description = "`wait=<seconds>`: answer 202 when nobody replied by then")),
    responses((status = 200, description = "the person replied", body = WrittenJson)))]
pub(super) async fn message(State(app): State<App>, asked: AskedInWriting) -> Answer<WrittenJson> {
    Ok(Json(app.verbs.message(asked.ask, asked.first_contact).await?.into()))
}

/// Says the message in the session and waits for the reply.
#[utoipa::path(post, path = "/api/call/{id}/continue", tag = "agents", request_body = Said,
    params(("id" = String, Path, description = "the session"),
        ("Idempotency-Key" = Option<String>, Header, description = "names the request across its repeats"),
        ("Prefer" = Option<String>, Header, description = "`wait=<seconds>`: answer 202 when nobody replied by then")),
    responses((status = 200, description = "the person replied", body = ReplyJson)))]
pub(super) async fn resume(State(app): State<App>, Named(id): Named, Asked(ask): Asked) -> Answer<ReplyJson> {
    Ok(Json(app.verbs.resume(id, ask).await?.into()))
}

/// Says the message in the session and does not wait for a reply.
#[utoipa::path(post, path = "/api/call/{id}/speak", tag = "agents", request_body = Said,
    params(("id" = String, Path, description = "the session"),
        ("Idempotency-Key" = Option<String>, Header, description = "names the request across its repeats")),
    responses((status = 200, description = "it was said, or is being said", body = SpokenJson)))]
pub(super) async fn speak(State(app): State<App>, Named(id): Named, Asked(ask): Asked) -> Answer<SpokenJson> {
    Ok(Json(app.verbs.speak(id, ask).await?.into()))
}

/// Says goodbye and ends the session.
#[utoipa::path(post, path = "/api/call/{id}/end", tag = "agents", request_body = Said,
    params(("id" = String, Path, description = "the session"),
        ("Idempotency-Key" = Option<String>, Header, description = "names the request across its repeats")),
    responses((status = 200, description = "the session is over, or is being ended", body = EndedJson)))]
pub(super) async fn end(State(app): State<App>, Named(id): Named, Asked(ask): Asked) -> Answer<EndedJson> {
    Ok(Json(app.verbs.end(id, ask).await?.into()))
}

/// Waits for a reply without saying anything. A body is not needed and not read.
#[utoipa::path(post, path = "/api/call/{id}/wait", tag = "agents",
    params(("id" = String, Path, description = "the session"),
        ("Prefer" = Option<String>, Header, description = "`wait=<seconds>`: answer 202 when nobody replied by then")),
    responses((status = 200, description = "the person replied", body = ReplyJson)))]
pub(super) async fn wait(
    State(app): State<App>,
    _: Principal,
    Patience(patience): Patience,
    Named(id): Named,
) -> Answer<ReplyJson> {
    Ok(Json(app.verbs.wait(id, patience).await?.into()))
}

/// The answer to a call, a message or a `continue` that was answered 202, or whose client has gone. Begins nothing.
#[utoipa::path(get, path = "/api/request/{requestId}", tag = "agents",
    params(("requestId" = String, Path, description = "as the 202 gave it"),
        ("Prefer" = Option<String>, Header, description = "`wait=<seconds>`: answer 202 when nobody replied by then")),
    responses((status = 200, description = "the person replied", body = CallJson)))]
pub(super) async fn rejoin(
    State(app): State<App>,
    _: Principal,
    Patience(patience): Patience,
    NamedRequest(request): NamedRequest,
) -> Answer<CallJson> {
    Ok(Json(app.verbs.rejoin(request, patience).await?.into()))
}

/// The session as it stands, with the replies that no request has collected yet.
#[utoipa::path(get, path = "/api/call/{id}", tag = "agents",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "the session", body = ViewJson)))]
pub(super) async fn look(State(app): State<App>, _: Principal, Named(id): Named) -> Answer<ViewJson> {
    Ok(Json(app.verbs.look(id).await?.into()))
}

/// Finished and running sessions, newest first.
#[utoipa::path(get, path = "/api/history", tag = "agents",
    params(("limit" = Option<usize>, Query, description = "how many, 1 to 50; 20 without it", minimum = 1, maximum = 50)),
    responses((status = 200, description = "the sessions", body = HistoryJson)))]
pub(super) async fn history(State(app): State<App>, _: Principal, RawQuery(query): RawQuery) -> Answer<HistoryJson> {
    let (conversations, total) = app.verbs.history(limit_of(query.as_deref())).await?;
    Ok(Json(HistoryJson::new(&conversations, total)))
}

/// Deletes what is kept of an ended session, and the replies that repeats of its requests would get: those are told that it was
/// deleted.
#[utoipa::path(delete, path = "/api/history/{id}", tag = "agents",
    params(("id" = String, Path, description = "the session")),
    responses((status = 200, description = "deleted", body = DeletedJson)))]
pub(super) async fn forget(State(app): State<App>, _: Principal, Named(id): Named) -> Answer<DeletedJson> {
    Ok(Json(DeletedJson { deleted: app.verbs.forget(Some(id)).await? }))
}

/// Deletes what is kept of all ended sessions, and the replies that repeats of their requests would get: those are told that it was
/// deleted.
#[utoipa::path(delete, path = "/api/history", tag = "agents",
    responses((status = 200, description = "deleted", body = DeletedJson)))]
pub(super) async fn forget_all(State(app): State<App>, _: Principal) -> Answer<DeletedJson> {
    Ok(Json(DeletedJson { deleted: app.verbs.forget(None).await? }))
}

/// The wanted number of sessions: clamped to what is allowed, and the default for what is no number.
fn limit_of(query: Option<&str>) -> usize {
    const DEFAULT: i64 = 20;
    let limit = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "limit")
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(DEFAULT);
    usize::try_from(limit.clamp(1, 50)).expect("it lies between 1 and 50")
}

#[cfg(test)]
mod tests {
    use super::limit_of;

    #[test]
    fn a_limit_is_clamped_and_garbage_is_the_default() {
        for (query, want) in [
            (None, 20),
            (Some(""), 20),
            (Some("limit=7"), 7),
            (Some("limit=0"), 1),
            (Some("limit=-5"), 1),
            (Some("limit=51"), 50),
            (Some("limit=1e3"), 20),
            (Some("limit=x&limit=3"), 20),
            (Some("other=1&limit=3"), 3),
            (Some("limit=99999999999999999999"), 20),
        ] {
            assert_eq!(limit_of(query), want, "{query:?}");
        }
    }
}
