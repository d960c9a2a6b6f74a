/**
 * `npm run docs` writes the pages that follow from the source; `--check` writes nothing, and fails where one is out of
 * step or a snippet of the documentation does not compile.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AUTH_ERRORS, createAuth, memoryStore } from '../dist/index.js'
import { authRoutes } from '../dist/routes/index.js'
import { SETTINGS } from '../server/dist/settings.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const isCheck = process.argv.includes('--check')

const errorsPage = () => {
  const rows = Object.entries(AUTH_ERRORS).map(
    ([code, { status, wire, message }]) =>
      `| \`${code}\` | ${status} | ${wire === null ? 'none' : `\`${wire}\``} | ${message} |`,
  )
  return `# Errors

<!-- Written by \`npm run docs\` from src/core/errors.ts. -->

Every refusal is JSON: \`{ "error": …, "code": …, "error_description": … }\`. \`error\` is the word of the RFCs
(RFC 6749 §5.2, RFC 6750 §3.1, RFC 9470 §3), \`code\` is ours and finer, and both are stable. Where a body, a query or a
password was refused, \`problems\` names each member with what is wrong with it. At \`/auth/token\` an \`invalid_grant\` is
400, as RFC 6749 §5.2 asks.

Until the signature of a token holds, every failure of it is \`token_invalid\`. Every 401 carries a challenge; a 503
carries \`Retry-After\` and means that it is not known whether the thing was done.

| code | status | \`error\` | \`error_description\` |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

/** Never asked: the document only says that there is one. */
const done = async () => undefined
const limiter = { consume: done, reward: done, delete: done }

const openApiDocument = () => {
  const store = memoryStore()
  const issuer = 'https://auth.example.com'
  const keys = { secret: 'mT7xQ2vB9nL4kR8sW1yZ6cF3hJ5gD0pA' }
  // With everything that an endpoint can have.
  const extras = { delivery: 'cookie', trackTokens: 'all' }
  const throttle = { account: limiter, address: limiter, clientOf: () => null }
  const auth = createAuth({ issuer, audience: issuer, keys, store, users: store.users, ...extras })
  return `${JSON.stringify(authRoutes(auth, { passwordGrant: true, throttle }).openApi, null, 2)}\n`
}

const settingsPage = () => {
  const rows = Object.values(SETTINGS).map(
    ({ variable, fallback, words }) => `| \`${variable}\` | ${fallback === null ? '' : `\`${fallback}\``} | ${words} |`,
  )
  return `# Settings of the server

<!-- Written by \`npm run docs\` from server/src/settings.ts. -->

Environment variables, or lines of a file \`.env\` in the current folder. Spans are seconds or a number with a unit
(\`15m\`, \`30d\`). An unknown \`JOTWARD_…\` stops the start.

| variable | default | decides |
| --- | --- | --- |
${rows.join('\n')}
`
}

/** @type {readonly (readonly [path: string, make: () => string])[]} */
const PAGES = [
  ['docs/errors.md', errorsPage],
  ['docs/openapi.json', openApiDocument],
  ['docs/settings.md', settingsPage],
]

/** @param {string} path */
const read = (path) => {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return ''
  }
}

const outOfStep = PAGES.filter(([path, make]) => {
  const text = make()
  if (read(path) === text) return false
  if (!isCheck) writeFileSync(join(root, path), text)
  return true
}).map(([path]) => path)

/** Every `ts` block of the documentation becomes a module of its own, compiled against the sources. */
const compileSnippets = () => {
  const folder = join(root, 'test', 'snippets')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
    name.endsWith('.md'),
  )
  let count = 0
  for (const page of pages) {
    const blocks = [...read(page).matchAll(/^```ts\n(.*?)^```$/gms)]
    for (const [index, [, code]] of blocks.entries()) {
      const name = `${page.replaceAll(/\W/g, '-')}-${index + 1}.ts`
      writeFileSync(join(folder, name), `${code}\nexport {}\n`)
      count += 1
    }
  }
  const config = { extends: '../../tsconfig.json', include: ['.'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [compiler, '-p', folder], { stdio: 'inherit' })
  if (status === 0) rmSync(folder, { recursive: true })
  console.log(`${count} snippets ${status === 0 ? 'compile' : 'were tried (see test/snippets)'}`)
  return status === 0 && count > 0
}

const snippetsCompile = compileSnippets()
for (const path of outOfStep) console.log(isCheck ? `${path} is out of step: run "npm run docs"` : `wrote ${path}`)
process.exitCode = snippetsCompile && (!isCheck || outOfStep.length === 0) ? 0 : 1
