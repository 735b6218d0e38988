//! The tools as a server of the protocol: which question each of them asks, and what its client is told.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, CompleteRequestMethod,
    CompleteRequestParams, CompleteResult, CreateTaskResult, DetailedTask, GetTaskParams, GetTaskResult,
    Implementation, ListPromptsRequestMethod, ListPromptsResult, ListResourceTemplatesRequestMethod,
    ListResourceTemplatesResult, ListResourcesRequestMethod, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, TaskPayload, TaskStatus,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::api::{Answer, Question, Unreached};
use super::arguments::{self, Asking, Doing, Misuse, Wanted};
use super::progress::{Listener, Progress};
use super::task::TaskId;
use super::wait::{NOT_YET, Wait};
use super::{Keys, ToolsConfig, catalogue, result};

/// Tasks that were called off and are remembered as such; the oldest are forgotten first.
const MOST_CANCELLED: usize = 1000;

/// The tools. Clones are the same tools.
#[derive(Clone)]
pub struct Tools(Arc<Inner>);

struct Inner {
    config: ToolsConfig,
    cancelled: Mutex<VecDeque<TaskId>>,
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tools").field(&self.0.config).finish()
    }
}

impl Tools {
    /// The tools over this API.
    pub fn new(config: ToolsConfig) -> Self {
        Self(Arc::new(Inner { config, cancelled: Mutex::default() }))
    }
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tasks().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("callme", env!("CARGO_PKG_VERSION")))
            .with_instructions(catalogue::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(catalogue::tools()))
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = params.arguments.unwrap_or_default();
        let wanted = match arguments::read(&params.name, &arguments) {
            Ok(wanted) => wanted,
            Err(Misuse::Unknown) => {
                return Err(ErrorData::invalid_params("there is no such tool; tools/list names them", None));
            }
            Err(Misuse::Arguments(why)) => return Ok(result::refused(&why).into()),
        };
        let cancelled = context.ct.clone();
        tokio::select! {
            response = self.0.carry_out(wanted, &arguments, context) => response,
            // The waiting is called off, not the call.
            () = cancelled.cancelled() => Err(ErrorData::internal_error("the client called the waiting off", None)),
        }
    }

    // What is not offered is not answered with nothing, as rmcp would.

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourceTemplatesRequestMethod>())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }

    async fn get_task(
        &self,
        params: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let id = TaskId::parse(&params.task_id).ok_or_else(unknown_task)?;
        self.0.task(id, authorization(&context)).await.map(GetTaskResult::new)
    }

    async fn cancel_task(&self, params: CancelTaskParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.0.cancel(TaskId::parse(&params.task_id).ok_or_else(unknown_task)?);
        Ok(())
    }
}

impl Inner {
    async fn carry_out(
        &self,
        wanted: Wanted,
        arguments: &Map<String, Value>,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let takes_tasks = context.client_capabilities().is_some_and(|client| client.supports_tasks());
        let mut wait = self.wait(&context);
        let answered = match wanted {
            Wanted::Reply(tool, question) if takes_tasks => return self.begin_task(tool, question, &wait).await,
            Wanted::Reply(tool, question) => self.reply(tool, question, &mut wait).await,
            Wanted::Wait(session, question) => {
                wait.session = Some(session.clone());
                let answered = wait.reply(question).await;
                if answered.as_ref().is_ok_and(is_final) {
                    self.over(&session);
                }
                answered.map(|answer| result::replied(None, answer))
            }
            Wanted::Done(tool, question) => self.done(tool, question, arguments, &mut wait).await,
            Wanted::Shown(tool, question) => wait.ask(question).await.map(|answer| result::shown(tool, answer)),
        };
        Ok(answered.unwrap_or_else(|Unreached(why)| result::refused(&why)).into())
    }

    async fn reply(&self, tool: Asking, question: Question, wait: &mut Wait<'_>) -> Result<CallToolResult, Unreached> {
        wait.progress
            .tell(match tool {
                Asking::Call => "dialing",
                Asking::Message => "writing on WhatsApp",
                Asking::Continue => "asking",
            })
            .await;
        let question = self.named(question);
        let key = question.key.clone();
        let mut answer = wait.reply(question).await?;
        if is_final(&answer) {
            self.answered(key.as_deref());
            complete(tool, &mut answer);
        } else if let (Some(keys), Some(key), Some(session)) = (&self.config.keys, &key, answer.text("callId")) {
            keys.goes_on(key, session);
        }
        Ok(result::replied(Some(tool), answer))
    }

    async fn done(
        &self,
        tool: Doing,
        question: Question,
        arguments: &Map<String, Value>,
        wait: &mut Wait<'_>,
    ) -> Result<CallToolResult, Unreached> {
        wait.session = arguments.get("call_id").and_then(Value::as_str).map(str::to_owned);
        let question = self.named(question);
        let key = question.key.clone();
        let answer = wait.watch(question).await?;
        if is_final(&answer) {
            self.answered(key.as_deref());
            if let (Doing::End, Some(session)) = (tool, &wait.session) {
                self.over(session);
            }
        }
        let message = arguments.get("message").and_then(Value::as_str).unwrap_or_default();
        Ok(result::done(tool, message, answer))
    }

    /// Begins what goes on without its client, and gives its name; what is over at once is given as it is.
    async fn begin_task(
        &self,
        tool: Asking,
        question: Question,
        wait: &Wait<'_>,
    ) -> Result<CallToolResponse, ErrorData> {
        // A task is come back to by its own name: the same words again are another one.
        let key = self.config.keys.as_ref().map(Keys::fresh);
        let mut answer = match wait.ask(Question { key, ..question }.waiting(Duration::ZERO)).await {
            Ok(answer) => answer,
            Err(Unreached(why)) => return Ok(result::refused(&why).into()),
        };
        let now = self.config.clock.now();
        if answer.status == NOT_YET
            && let Some(id) = TaskId::of(tool, &answer, now)
        {
            let task = id.task(TaskStatus::Working, now).with_status_message(status(&answer));
            return Ok(CallToolResponse::Task(CreateTaskResult::new(task)));
        }
        complete(tool, &mut answer);
        Ok(result::replied(Some(tool), answer).into())
    }

    async fn task(&self, id: TaskId, authorization: Option<HeaderValue>) -> Result<DetailedTask, ErrorData> {
        let now = self.config.clock.now();
        if self.cancelled().contains(&id) {
            return Ok(DetailedTask::new(id.task(TaskStatus::Cancelled, now), TaskPayload::Cancelled));
        }
        let question = Question::get(format!("/api/request/{}", id.request)).waiting(Duration::ZERO);
        let asked = self.config.api.ask(Question { authorization, ..question }).await;
        let mut answer = match asked {
            Ok(answer) => answer,
            // It may be there in a moment: a client that is told of an error would forget its task.
            Err(Unreached(why)) => {
                let task = id.task(TaskStatus::Working, now).with_status_message(why);
                return Ok(DetailedTask::new(task, TaskPayload::Working));
            }
        };
        if answer.text("code") == Some("not_found") {
            return Err(unknown_task());
        }
        if !is_final(&answer) {
            let task = id.task(TaskStatus::Working, now).with_status_message(status(&answer));
            return Ok(DetailedTask::new(task, TaskPayload::Working));
        }
        complete(id.tool, &mut answer);
        let result = serde_json::to_value(result::replied(Some(id.tool), answer)).unwrap_or_default();
        let result = result.as_object().cloned().unwrap_or_default();
        Ok(DetailedTask::new(id.task(TaskStatus::Completed, now), TaskPayload::Completed { result }))
    }

    fn cancel(&self, id: TaskId) {
        let mut cancelled = self.cancelled();
        if cancelled.len() >= MOST_CANCELLED {
            cancelled.pop_front();
        }
        cancelled.push_back(id);
    }

    fn cancelled(&self) -> std::sync::MutexGuard<'_, VecDeque<TaskId>> {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, context: &RequestContext<RoleServer>) -> Wait<'_> {
        let token = context.meta.get_progress_token();
        let ceilings = self.config.ceilings;
        let ceiling = wanted_ceiling(context).unwrap_or(if token.is_some() { ceilings.told } else { ceilings.silent });
        Wait {
            api: &*self.config.api,
            authorization: authorization(context),
            progress: Progress::new(
                token.map_or(Listener::Nobody, |token| Listener::Client(Box::new(context.peer.clone()), token)),
            ),
            until: Instant::now() + ceiling,
            session: None,
            named: None,
            far: self.config.keys.is_some(),
        }
    }

    /// The question with its name, where it goes over a network.
    fn named(&self, question: Question) -> Question {
        let Some(keys) = &self.config.keys else { return question };
        let words = question.body.as_ref().map(|fields| Value::Object(fields.clone()).to_string());
        Question { key: Some(keys.of(&question.path, words.as_deref().unwrap_or_default())), ..question }
    }

    fn over(&self, session: &str) {
        if let Some(keys) = &self.config.keys {
            keys.over(session);
        }
    }

    fn answered(&self, key: Option<&str>) {
        if let (Some(keys), Some(key)) = (&self.config.keys, key) {
            keys.answered(key);
        }
    }
}

/// Whether the same words are a new request from now on.
fn is_final(answer: &Answer) -> bool {
    answer.status != NOT_YET && !answer.is_away()
}

/// How a task stands, in words.
fn status(answer: &Answer) -> String {
    answer.text("next").or(answer.text("error")).unwrap_or("waiting for the person").to_owned()
}

/// A message's answer has its name also where it was asked for anew.
fn complete(tool: Asking, answer: &mut Answer) {
    if tool == Asking::Message
        && answer.status == 200
        && let Some(id) = answer.body.get("callId").cloned()
    {
        answer.body.insert("messageId".to_owned(), id);
    }
}

fn authorization(context: &RequestContext<RoleServer>) -> Option<HeaderValue> {
    context.extensions.get::<Parts>()?.headers.get(AUTHORIZATION).cloned()
}

/// A client over HTTP may say how long it waits (`Prefer: wait=<seconds>`); never longer than anything waits.
fn wanted_ceiling(context: &RequestContext<RoleServer>) -> Option<Duration> {
    let prefer = context.extensions.get::<Parts>()?.headers.get("prefer")?.to_str().ok()?;
    let seconds = prefer.split([',', ';']).find_map(|one| one.trim().strip_prefix("wait="))?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(super::LONGEST_WAIT))
}

fn unknown_task() -> ErrorData {
    ErrorData::invalid_params(
        "there is no such task, or its answer is not kept any more; get_call_history shows what was said",
        None,
    )
}
