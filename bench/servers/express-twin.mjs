/** What a careful team would write with the usual libraries: the same guarantees per request as ours, none of our code. */
import { createHash } from 'node:crypto';
import express from 'express';
import helmet from 'helmet';
import { Redis } from 'ioredis';
import pino from 'pino';
import { pinoHttp } from 'pino-http';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';

const data = JSON.parse(process.env.BODY).data;
const redis = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const prefix = `bench-twin:${process.pid}:`;
const keys = new Map([[createHash('sha256').update(process.env.KEY).digest('hex'), { id: 'caller', scopes: new Set(['customers:read']) }]]);
const registry = new Registry();
collectDefaultMetrics({ register: registry });
const durations = new Histogram({ name: 'http_request_duration_seconds', help: 'time', labelNames: ['method', 'route', 'status'], registers: [registry] });
const limiter = (name, points) =>
  new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: prefix + name,
    points,
    duration: 60,
    insuranceLimiter: new RateLimiterMemory({ points, duration: 60 }),
  });
const perIp = limiter('ip', 100_000_000);
const perUser = limiter('user', 100_000_000);

const app = express();
app.use(pinoHttp({ logger: pino({ level: 'info' }, pino.destination({ dest: '/dev/null', sync: false })), genReqId: () => crypto.randomUUID() }));
app.use(helmet());
app.use((req, res, next) => {
  const end = durations.startTimer();
  res.on('finish', () => end({ method: req.method, route: req.route?.path ?? '', status: res.statusCode }));
  next();
});
app.use(async (req, res, next) => {
  const caller = keys.get(createHash('sha256').update(String(req.headers['x-api-key'])).digest('hex'));
  if (!caller?.scopes.has('customers:read')) return res.status(401).json({ error: true, code: 'UNAUTHENTICATED' });
  await Promise.all([perIp.consume(req.ip ?? ''), perUser.consume(caller.id)]);
  next();
});
app.get('/api/tutors/:id', async (req, res) => {
  const key = `${prefix}${req.params.id}`;
  const cached = await redis.get(key);
  if (cached === null) await redis.set(key, JSON.stringify(data), 'EX', 3600);
  res
    .set('x-cache', cached === null ? 'MISS' : 'HIT')
    .json({ success: true, data: cached === null ? data : JSON.parse(cached), meta: { timestamp: new Date().toISOString(), version: '0.1.0' } });
});
const server = app.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
process.once('SIGTERM', () => process.exit(0));
