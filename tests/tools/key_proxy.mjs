// A loopback proxy that adds a bearer key to what passes: proxy.mjs TARGET KEY. Prints its port.
import { createServer, request } from 'node:http';

const [target, key] = process.argv.slice(2);
const { hostname, port } = new URL(target);
const server = createServer((incoming, outgoing) => {
    const { method, url: path, rawHeaders } = incoming;
    // As they came, Host and Origin among them: what the server thinks of those is under test.
    const headers = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [[name, rawHeaders[at + 1]]]));
    headers.push(['authorization', `Bearer ${key}`]);
    const onward = request({ hostname, port, method, path, setHost: false, headers: headers.flat() }, (answer) => {
        outgoing.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
