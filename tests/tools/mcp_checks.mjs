// What the drivers of the tools check, and how they say what differs.

import { isDeepStrictEqual } from 'node:util';

export const QUESTION = 'The tests are green. Shall I go on?';
export const SECOND = 'There are two ways. Which one?';
const LABEL = "User's response:\n";
const REQUIRED = {
    initiate_call: ['message'],
    continue_call: ['call_id', 'message'],
    speak_to_user: ['call_id', 'message'],
    end_call: ['call_id', 'message'],
    send_message: ['message'],
    wait_for_reply: ['call_id'],
    get_call: ['call_id'],
    get_call_history: [],
};

// What is not as it should be, in one sentence.
export class Differs extends Error {}

export function check(what, found, wanted) {
    if (!isDeepStrictEqual(found, wanted)) {
        throw new Differs(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
    }
}

export function checkHas(what, whole, part) {
    if (!String(whole).includes(part)) throw new Differs(`${what}: no ${JSON.stringify(part)} in ${JSON.stringify(whole)}`);
}

// The required arguments of each tool; all of them are described.
export function checkTools(tools, wanted = REQUIRED) {
    const required = Object.fromEntries(tools.map(({ name, inputSchema }) => [name, inputSchema.required ?? []]));
    check('tools', required, wanted);
    for (const { name, inputSchema } of tools) {
        check(`required and not described by ${name}`, required[name].filter((argument) => !inputSchema.properties[argument]), []);
    }
}

// What a tool told while it waited. A text may be answered before there is anything new.
export function checkNews(what, news, fields) {
    const least = fields.contactMode === 'voice' ? 2 : 1;
    const rises = news.every(({ progress }, at) => at === 0 || progress > news[at - 1].progress);
    if (news.length < least || !rises) {
        throw new Differs(`${what}: these are not ${least} or more rising numbers: ${JSON.stringify(news)}`);
    }
    check(`${what}: news without words`, news.filter(({ message }) => !message), []);
}

export function checkReply(tool, agent, fields, reply) {
    check(`response of ${tool}`, fields.response, reply);
    // The person's words stand last.
    check(`end of the text of ${tool}`, agent.text.slice(-(LABEL + reply).length), LABEL + reply);
}

// A connected client. `before` is what its `callTool` takes between the request and its options.
export class Agent {
    constructor(client, before = [undefined]) {
        this.client = client;
        this.before = before;
    }

    // The fields of an answer that is no error; its text is kept.
    async use(name, given = {}, options = {}) {
        const result = await this.client.callTool({ name, arguments: given }, ...this.before, options);
        this.text = result.content.map((block) => block.text).join('');
        if (result.isError) throw new Differs(`${name}: ${this.text}`);
        check(`text of ${name} is there`, this.text !== '', true);
        return result.structuredContent;
    }

    // The same, with what was told meanwhile.
    async useTelling(name, given) {
        const news = [];
        const fields = await this.use(name, given, { onprogress: (one) => news.push(one), resetTimeoutOnProgress: true });
        return [fields, news];
    }
}
