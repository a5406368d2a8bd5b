/** The yardstick: a bare Express 5 route, `res.json` with Express' defaults, sending the body it was given. */
import type { AddressInfo } from 'node:net';
import express from 'express';

const body: unknown = JSON.parse(process.env['BODY']!);
const app = express();
app.get('/api/tutors/:id', (_req, res) => void res.json(body));
const server = app.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })));
process.once('SIGTERM', () => process.exit(0));
