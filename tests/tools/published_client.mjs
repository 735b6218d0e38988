// Uses a server through the client that people already run, `call-me-cloud-mcp` 1.3.1 as it was published.
//
//     published_client.mjs URL KEY [REPLY REPLY]
//     published_client.mjs URL KEY --once REPLY
//
// The person gives the replies in turn: both in a call, then the first once more to a text. With --once something is wrong with the
// server or its network: one question, which the client asks again by itself. Exits with 1 and says what differs.

import { createRequire } from 'node:module';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { check, checkHas, checkTools, Differs, QUESTION, SECOND } from './mcp_checks.mjs';

const TOOLS = {
    initiate_call: ['message'],
    continue_call: ['call_id', 'message'],
    speak_to_user: ['call_id', 'message'],
    end_call: ['call_id', 'message'],
    send_message: ['message'],
    get_call_history: [],
};

// The missing file, put in by Node itself: what is installed stays as it was published.
const HOOKS = `
    export const resolve = (name, context, next) => /circuit-breaker\\.[jt]s$/.test(name)
        ? { url: ${JSON.stringify(new URL('circuit_breaker.mjs', import.meta.url).href)}, format: 'module', shortCircuit: true }
        : next(name, context);`;
const inline = (code) => `data:text/javascript,${encodeURIComponent(code)}`;
const REGISTER = inline(`import { register } from 'node:module'; register(${JSON.stringify(inline(HOOKS))});`);

async function connected(url, key) {
    const client = new Client({ name: 'peer', version: '1' });
    await client.connect(
        new StdioClientTransport({
            command: process.execPath,
            args: [createRequire(import.meta.url).resolve('call-me-cloud-mcp/bin/run.js')],
            env: { ...process.env, CALLME_CLOUD_URL: url, CALLME_API_KEY: key, NODE_OPTIONS: `--import=${REGISTER}` },
        }),
    );
    const use = async (name, given) => {
        const { content, isError } = await client.callTool({ name, arguments: given });
        const text = content.map((block) => block.text).join('');
        if (isError) throw new Differs(`${name}: ${text}`);
        return text;
    };

    return { client, use };
}

async function once(url, key, reply) {
    const { client, use } = await connected(url, key);
    const called = await use('initiate_call', { message: QUESTION });
    checkHas('initiate_call', called, `\n\nUser's response:\n${reply}\n`);
    const call_id = /^Call ID: (\S+)$/m.exec(called)?.[1];
    checkHas('end_call', await use('end_call', { call_id, message: 'Goodbye.' }), 'Call ended. Duration: ');
    checkHas('get_call_history', await use('get_call_history', { limit: 1 }), `user: ${reply}`);
    await client.close();
    console.log('call-me-cloud-mcp 1.3.1: the question was answered');
}

async function main(url, key, first = 'Yes, go on.', second = 'The second one.') {
    const { client, use } = await connected(url, key);
    checkTools((await client.listTools()).tools, TOOLS);

    const called = await use('initiate_call', { message: QUESTION });
    checkHas('initiate_call', called, `Contact mode: voice\n\nUser's response:\n${first}\n`);
    const call_id = /^Call ID: (\S+)$/m.exec(called)?.[1];
    check('continue_call', await use('continue_call', { call_id, message: SECOND }), `User's response:\n${second}`);
    check('speak_to_user', await use('speak_to_user', { call_id, message: 'I begin.' }), 'Message spoken: "I begin."');
    checkHas('end_call', await use('end_call', { call_id, message: 'Goodbye.' }), 'Call ended. Duration: ');

    const written = await use('send_message', { message: QUESTION });
    checkHas('send_message', written, `\n\nUser's response:\n${first}`);
    const message_id = /^Message ID: (\S+)$/m.exec(written)?.[1];
    checkHas('end_call of a text', await use('end_call', { call_id: message_id, message: 'Goodbye.' }), 'Call ended. Duration: ');

    const history = await use('get_call_history', { limit: 2 });
    for (const said of [`voice conversation (${call_id})`, `whatsapp conversation (${message_id})`, `user: ${first}`, `user: ${second}`]) {
        checkHas('get_call_history', history, said);
    }

    const { content, isError } = await client.callTool({ name: 'continue_call', arguments: { call_id: 'call-0-0', message: SECOND } });
    check('a call that never was', [isError, content[0].text], [true, 'Error: No active call: call-0-0']);
    await client.close();
    console.log('call-me-cloud-mcp 1.3.1: all six tools are well');
}

// Whatever waits in vain ends the script.
setTimeout(() => process.exit(14), 240_000).unref();
try {
    const [url, key, ...rest] = process.argv.slice(2);
    if (rest[0] === '--once') await once(url, key, rest[1]);
    else await main(url, key, ...rest);
    process.exit(0);
} catch (error) {
    if (!(error instanceof Differs)) console.error(error);
    console.error(`call-me-cloud-mcp: ${error.message}`);
    process.exit(1);
}
