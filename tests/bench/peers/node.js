// The echo and the TCP proxy of Node.js: node node.js echo|proxy PORT [TARGET_PORT]
'use strict';

const net = require('net');

const [service, port, target] = process.argv.slice(2);

// A half-closed connection goes on in its other direction; pipe() passes the end on, and the backpressure.
const options = { allowHalfOpen: true, noDelay: true };

function echo(client) {
    client.on('error', () => client.destroy());
    client.pipe(client);
}

function proxy(client) {
    const server = net.connect({ ...options, host: '127.0.0.1', port: Number(target) });
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    client.pipe(server);
    server.pipe(client);
}

net.createServer(options, service === 'proxy' ? proxy : echo).listen({ host: '127.0.0.1', port: Number(port), backlog: 1024 });
