// What the agent would do next, as commands for a terminal.

/** A command for each of these verbs. `session` stands in the paths of those that go on. */
export function commands({ verbs, key, session, message }) {
  const body = inQuotes(JSON.stringify({ message: message || '…' }));
  return verbs
    .map(({ verb, name, begins }) => {
      const path = begins ? `/api/${verb}` : `/api/call/${session ?? 'ID'}/${verb}`;
      const lines = [`# ${name}`, `curl -X POST ${location.origin}${path}`, `  -H 'Authorization: Bearer ${key}'`];
      if (verb !== 'wait') lines.push("  -H 'Content-Type: application/json'", `  -d ${body}`);
      return lines.join(' \\\n').replace(' \\\n', '\n');
    })
    .join('\n\n');
}

/** As one word of a shell's, whatever stands in it. */
function inQuotes(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
