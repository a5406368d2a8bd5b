/** Pages that need no credentials and no network: the API reference, and the way to it. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import compression from 'compression';
import express, { Router } from 'express';

const page = `<!doctype html>
<html lang="pt-BR">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Caramelo: API</title>
<link rel="icon" href="/api/docs/favicon-32x32.png">
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
`;
const start = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#reference', deepLinking: true, persistAuthorization: false, validatorUrl: null });\n`;

const ASSETS = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js', '/favicon-32x32.png', '/favicon-16x16.png']);

/** `/` leads to the reference until the console stands there. `headers` are flat name-value pairs sent with every page. */
export function createPages(headers: readonly string[]): Router {
  const pages = Router();
  const assets = express.static(dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')), {
    index: false,
    immutable: true,
    maxAge: '1h',
  });
  const dress = compression();
  const withHeaders: express.RequestHandler = (_req, res, next) => {
    for (let i = 0; i < headers.length; i += 2) res.setHeader(headers[i]!, headers[i + 1]!);
    next();
  };
  pages.get('/', withHeaders, (_req, res) => res.redirect(302, '/api/docs'));
  pages.get('/api/docs', withHeaders, dress, (_req, res) => res.type('html').send(page));
  pages.get('/api/docs/start.js', withHeaders, dress, (_req, res) => res.type('js').send(start));
  pages.use('/api/docs', (req, res, next) => {
    if (!ASSETS.has(req.path)) return next();
    return withHeaders(req, res, () => dress(req, res, () => assets(req, res, next)));
  });
  return pages;
}
