// Uses the tools as an agent does, with the official packages of Node.
//
//     mcp_client.mjs SCENARIO [--reply TEXT]... [--give-up SECONDS] http URL KEY
//     mcp_client.mjs SCENARIO [--reply TEXT]... [--give-up SECONDS] stdio COMMAND...
//
// URL ends in /mcp; COMMAND gets this process's environment. The person gives the replies in turn, by voice or in writing, in
// `slow` only after the client has given up; in `restart` the server is killed after each question, and begins again. Exits with 1
// and says what differs.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import * as modern from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { check, checkHas, checkNews, checkReply, checkTools, Differs, Agent, SECOND, QUESTION } from './mcp_checks.mjs';

const ME = { name: 'peer', version: '1' };
// Versions that begin with a handshake and that the packages do not offer any more.
const OLD_VERSIONS = ['2025-03-26', '2025-06-18'];

// A call with two questions, a remark and a goodbye, and what is kept of it.
async function conversation(agent, { replies: [first, second] }) {
    checkTools((await agent.client.listTools()).tools);
    const [fields, news] = await agent.useTelling('initiate_call', { message: QUESTION });
    checkReply('initiate_call', agent, fields, first);
    checkNews('initiate_call', news, fields);
    const call_id = fields.callId;
    checkHas('text of initiate_call', agent.text, `Call ID: ${call_id}\n`);
    checkReply('continue_call', agent, await agent.use('continue_call', { call_id, message: SECOND }), second);
    await agent.use('speak_to_user', { call_id, message: 'I begin.' });
    checkHas('text of speak_to_user', agent.text, 'Message spoken: "I begin."');
    const { durationSeconds } = await agent.use('end_call', { call_id, message: 'Goodbye.' });
    check('a duration in seconds', Number.isInteger(durationSeconds), true);
    checkHas('text of end_call', agent.text, `Duration: ${durationSeconds}s`);
    check('state after the end', (await agent.use('get_call', { call_id })).state, 'ended');
    await checkHistory(agent, call_id, [QUESTION, first, SECOND, second, 'I begin.', 'Goodbye.']);
}

async function checkHistory(agent, session, said) {
    const { conversations: [kept] } = await agent.use('get_call_history', { limit: 1 });
    check('the newest conversation', kept.id, session);
    const words = kept.messages.map((message) => message.message);
    check('what was said and is not in the history', said.filter((one) => !words.includes(one)), []);
    for (const one of said) checkHas('text of get_call_history', agent.text, `    ${one}`);
}

// A text and its answer.
async function message(agent, { replies: [reply] }) {
    const fields = await agent.use('send_message', { message: QUESTION });
    checkReply('send_message', agent, fields, reply);
    check('contactMode', fields.contactMode, 'whatsapp');
    check("callId is the message's", fields.callId, fields.messageId);
    checkHas('text of send_message', agent.text, `Message ID: ${fields.messageId}\n`);
    const { status, minutesRemaining } = fields.whatsappSessionWindow;
    check("WhatsApp's window", [status, minutesRemaining > 60], ['active', true]);
    await agent.use('end_call', { call_id: fields.callId, message: 'Goodbye.' });
    await checkHistory(agent, fields.callId, [QUESTION, reply]);
}

// The client gives up before the person answers, and collects the answer later.
async function slow(agent, { replies: [reply], giveUp }) {
    const before = (await agent.use('get_call_history')).total;
    const asked = agent.client.callTool({ name: 'initiate_call', arguments: { message: QUESTION } }, undefined, { timeout: giveUp * 1000 });
    const ended = await asked.then(() => 'answered', (error) => error.message);
    checkHas(`initiate_call given up after ${giveUp} s`, ended, 'timed out');
    const call_id = (await agent.use('get_call_history', { limit: 1 })).conversations[0].id;
    let fields;
    // Until the ceiling, nobody having answered is no error.
    while ((fields = await agent.use('wait_for_reply', { call_id })).response === undefined) {
        checkHas('text of wait_for_reply', agent.text, 'No answer yet');
    }
    checkReply('wait_for_reply', agent, fields, reply);
    await agent.use('end_call', { call_id, message: 'Goodbye.' });
    check('sessions for this question', (await agent.use('get_call_history')).total - before, 1);
}

// Two questions, after each of which the server dies before its answer and begins again.
async function restart(agent, { replies: [first, second], giveUp }) {
    const call_id = await persistently(agent, giveUp, first, 'initiate_call', { message: QUESTION });
    await persistently(agent, giveUp, second, 'continue_call', { call_id, message: SECOND });
    await agent.use('end_call', { call_id, message: 'Goodbye.' });
    check('sessions in all', (await agent.use('get_call_history')).total, 1);
    await checkHistory(agent, call_id, [QUESTION, first, SECOND, second, 'Goodbye.']);
}

// Asks once. Where that brought no answer, the session that it began is looked for, and its reply waited for there.
async function persistently(agent, giveUp, reply, tool, given) {
    const once = { timeout: giveUp * 1000 };
    const attempt = (asked) => asked.catch(() => undefined);
    let fields = await attempt(agent.use(tool, given, once));
    let session = fields?.callId;
    while (fields?.response === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        session = (await attempt(agent.use('get_call_history', { limit: 1 }, once)))?.conversations[0].id;
        if (session) fields = await attempt(agent.use('wait_for_reply', { call_id: session }, once));
    }
    check(`response to ${given.message}`, fields.response, reply);
    return session;
}

// What is asked wrongly is told clearly, and the next request is served.
async function errors(agent) {
    const before = (await agent.use('get_call_history')).total;
    const nobody = 'call-00000000-0000-4000-8000-000000000000';
    for (const [name, given, part] of [
        ['initiate_call', {}, 'message'],
        ['initiate_call', { message: 5 }, 'message'],
        ['initiate_call', { message: ' ' }, 'message'],
        ['initiate_call', { message: 'long '.repeat(1000) }, '4096'],
        ['send_message', { message: ['a'] }, 'message'],
        ['send_message', { message: 'Hello', first_contact: 'yes' }, 'first_contact'],
        ['continue_call', { message: 'Hello' }, 'call_id'],
        ['continue_call', { call_id: nobody, message: 'Hello' }, 'No active call'],
        ['speak_to_user', { call_id: 7, message: 'Hello' }, 'call_id'],
        ['speak_to_user', { call_id: nobody, message: 'Hello' }, 'No active call'],
        ['end_call', { call_id: '../history', message: 'Hello' }, 'call_id'],
        ['end_call', { call_id: nobody, message: 'Hello' }, 'No active call'],
        ['wait_for_reply', { call_id: '' }, 'call_id'],
        ['wait_for_reply', { call_id: nobody }, 'No active call'],
        ['get_call', {}, 'call_id'],
        ['get_call', { call_id: nobody }, 'No active call'],
        ['get_call_history', { limit: 'many' }, 'limit'],
        ['get_call_history', { limit: 2.5 }, 'limit'],
    ]) {
        const result = await agent.client.callTool({ name, arguments: given });
        const text = result.content.map((block) => block.text).join('');
        const what = `${name} with ${JSON.stringify(given).slice(0, 60)}`;
        check(`${what} is an error`, [result.isError, text.slice(0, 7)], [true, 'Error: ']);
        checkHas(what, text, part);
    }
    const refused = await agent.client.callTool({ name: 'order_pizza', arguments: {} }).then(() => 'answered', (error) => error);
    check('unknown tool', refused.code, -32602);
    checkHas('unknown tool', refused.message, 'tools/list');
    check('calls made by all this', (await agent.use('get_call_history')).total, before);
}

// The same short call in every version of the protocol.
async function versions(options) {
    for (const [connect, version] of [[connected, '2025-11-25'], [connectedModern, '2026-07-28']]) {
        const client = await connect(options, version);
        checkTools((await client.listTools()).tools);
        const agent = new Agent(client, connect === connected ? [undefined] : []);
        const [fields, news] = await agent.useTelling('initiate_call', { message: QUESTION });
        checkReply(`initiate_call in ${version}`, agent, fields, options.replies[0]);
        checkNews(`initiate_call in ${version}`, news, fields);
        await agent.use('end_call', { call_id: fields.callId, message: 'Goodbye.' });
        await client.close();
    }
    for (const version of OLD_VERSIONS) {
        const { ask, close } = options.way === 'http' ? rawHttp(options, version) : rawStdio(options);
        await oldVersion(ask, version, options.replies[0]);
        await close();
    }
}

async function oldVersion(ask, version, reply) {
    const [greeting] = await ask('initialize', { protocolVersion: version, capabilities: {}, clientInfo: ME });
    check(`version answered to ${version}`, greeting.protocolVersion, version);
    await ask('notifications/initialized');
    check('answer to a ping', (await ask('ping', {}))[0], {});
    checkTools((await ask('tools/list', {}))[0].tools);
    const question = { name: 'initiate_call', arguments: { message: QUESTION }, _meta: { progressToken: 'news-1' } };
    const [{ structuredContent: fields }, told] = await ask('tools/call', question);
    check(`tokens told in ${version}`, told.filter((news) => news.progressToken !== 'news-1'), []);
    checkNews(`initiate_call in ${version}`, told, fields);
    check(`reply in ${version}`, fields.response, reply);
    const [ended] = await ask('tools/call', { name: 'end_call', arguments: { call_id: fields.callId, message: 'Goodbye.' } });
    check(`goodbye in ${version}`, ended.isError ?? false, false);
}

// JSON-RPC as far as these conversations need it, one request at a time: `exchange` gives what comes back, until the answer did.
function raw(exchange) {
    let id = 0;
    return async (method, params) => {
        const question = { jsonrpc: '2.0', method, ...(params && { id: ++id, params }) };
        const came = await exchange(question);
        if (!params) return [undefined, []];
        const told = came.filter((body) => body.method === 'notifications/progress').map((body) => body.params);
        const answer = came.find((body) => body.id === id);
        if (!answer?.result) throw new Differs(`${method}: the server answered ${JSON.stringify(answer)}`);
        return [answer.result, told];
    };
}

function rawHttp({ target: [url, key] }, version) {
    const ask = raw(async (question) => {
        const headers = {
            authorization: `Bearer ${key}`,
            accept: 'application/json, text/event-stream',
            'content-type': 'application/json',
            ...(question.method !== 'initialize' && { 'mcp-protocol-version': version }),
        };
        const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(question) });
        check(`status of ${question.method}`, response.status, 'id' in question ? 200 : 202);
        const text = await response.text();
        if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return text ? [JSON.parse(text)] : [];
        const lines = text.split('\n').filter((line) => line.startsWith('data:') && line.slice(5).trim());
        return lines.map((line) => JSON.parse(line.slice(5)));
    });
    return { ask, close: async () => {} };
}

function rawStdio({ target: [command, ...args] }) {
    const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const ask = raw(async (question) => {
        server.stdin.write(`${JSON.stringify(question)}\n`);
        const came = [];
        while ('id' in question && came.at(-1)?.id !== question.id) {
            const { value, done } = await lines.next();
            if (done) throw new Differs(`the server ended instead of answering ${question.method}`);
            came.push(JSON.parse(value));
        }
        return came;
    });
    const close = async () => {
        const ended = once(server, 'exit');
        server.stdin.end();
        check("the server's exit code once its client has hung up", (await ended)[0], 0);
    };
    return { ask, close };
}

// What a transport is made of, whichever package it is from.
function transport({ way, target: [first, ...rest] }, Http, Stdio) {
    if (way === 'stdio') return new Stdio({ command: first, args: rest, env: process.env });
    return new Http(new URL(first), { requestInit: { headers: { authorization: `Bearer ${rest[0]}` } } });
}

async function connected(options, version) {
    const client = new Client(ME);
    await client.connect(transport(options, StreamableHTTPClientTransport, StdioClientTransport));
    // The transport over HTTP is told the version; over stdio nobody needs it any more.
    if (version && options.way === 'http') check('version', client.transport.protocolVersion, version);
    return client;
}

async function connectedModern(options, version) {
    const client = new modern.Client(ME, { versionNegotiation: { mode: { pin: version } } });
    await client.connect(transport(options, modern.StreamableHTTPClientTransport, ModernStdio));
    check('version', client.getNegotiatedProtocolVersion(), version);
    return client;
}

function commandLine([scenario, ...rest]) {
    const options = { scenario, replies: [], giveUp: 5 };
    while (rest[0]?.startsWith('--')) {
        const [name, value] = rest.splice(0, 2);
        if (name === '--reply') options.replies.push(value);
        else if (name === '--give-up') options.giveUp = Number(value);
        else throw new Differs(`there is no option ${name}`);
    }
    if (!options.replies.length) options.replies = ['Yes, go on.', 'The second one.'];
    [options.way, ...options.target] = rest;
    const complete = { http: options.target.length === 2, stdio: options.target.length > 0 }[options.way];
    if (!complete || !(scenario in SCENARIOS)) {
        throw new Differs(`usage: mcp_client.mjs ${Object.keys(SCENARIOS).join('|')} [OPTION...] http URL KEY | stdio COMMAND...`);
    }
    return options;
}

const SCENARIOS = { conversation, message, slow, restart, errors, versions };
// Whatever waits in vain ends the script.
setTimeout(() => process.exit(14), 240_000).unref();
try {
    const options = commandLine(process.argv.slice(2));
    if (options.scenario === 'versions') {
        await versions(options);
    } else {
        const client = await connected(options);
        await SCENARIOS[options.scenario](new Agent(client), options);
        await client.close();
    }
    console.log(`mcp: ${options.scenario} over ${options.way} is well`);
    process.exit(0);
} catch (error) {
    if (!(error instanceof Differs)) console.error(error);
    console.error(`mcp: ${error.message}`);
    process.exit(1);
}
