/** Imports what `server/main.ts` imports and does nothing with it: the floor of a start. Says what that cost. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
await Promise.all(['app/build', 'app/config', 'app/announce', 'platform/lifecycle'].map((name) => import(`../../server/${name}.ts`)));
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ url: '', cpu_ms: String((user + system) / 1_000), rss_mb: String(process.memoryUsage().rss / 2 ** 20) }));
process.once('SIGTERM', () => process.exit(0));
setInterval(() => undefined, 60_000);
