/**
 * `npm run test:package`: what is published, alone. Packs both packages, judges the tarballs, installs the library into
 * an empty project, checks its types strictly there, and runs the README's own lines against a real server.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'jotward-package-'))
const project = join(folder, 'project')

/** @param {string} program @param {readonly string[]} args @param {string} cwd */
const run = (program, args, cwd) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

/** @param {string} workspace @returns {string} the tarball's path */
const pack = (workspace) => {
  const [{ filename, entryCount, size }] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], join(root, workspace)),
  )
  console.log(`${filename}: ${entryCount} files, ${size} bytes`)
  return join(folder, filename)
}

/** @param {string} tarball */
const judge = (tarball) => {
  run('npx', ['--no-install', 'publint', '--strict', tarball], root)
  run('npx', ['--no-install', 'attw', '--profile', 'esm-only', '--no-color', tarball], root)
}

/** The first `ts` block of the README: the lines that a newcomer pastes. */
const readmeLines = () => {
  const [, code] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
  if (code === undefined) throw new Error('the README has no ts block')
  return code
}

/** @param {string} tarball */
const installInEmptyProject = (tarball) => {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'newcomer', private: true, type: 'module' }))
  // What the README's lines stand on, and NestJS: the one entry that loads its framework cannot be loaded without it.
  const frameworks = ['express@5', '@nestjs/common@12', '@nestjs/core@12', 'reflect-metadata@0.2', 'rxjs@7']
  run(
    'npm',
    ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...frameworks],
    project,
  )
  const types = ['typescript@7.0.2', '@types/express@5', '@types/node@20']
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '-D', ...types], project)
}

const checkTypes = () => {
  const compilerOptions = {
    strict: true,
    module: 'NodeNext',
    target: 'ES2023',
    noEmit: true,
    types: ['node'],
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
  }
  writeFileSync(join(project, 'app.ts'), readmeLines())
  const names = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports)
  const entries = names.filter((name) => name !== './package.json').map((name) => `jotward${name.slice(1)}`)
  const imports = entries.map((name, index) => `import * as entry${index} from '${name}'\nvoid entry${index}\n`)
  writeFileSync(join(project, 'entries.ts'), imports.join(''))
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], project)
  for (const name of entries) run(process.execPath, ['-e', `await import('${name}')`, '--input-type=module'], project)
  console.log(`${entries.length} entries type-check strictly and load`)
}

/** @param {string} path @param {{ method?: string, body?: unknown, token?: string }} options */
const call = async (path, { method = 'GET', body, token } = {}) => {
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  return fetch(`http://127.0.0.1:3000${path}`, init)
}

/** @param {string} what @param {number} expected @param {number} actual */
const expectStatus = (what, expected, actual) => {
  if (expected !== actual) throw new Error(`${what}: expected ${expected}, got ${actual}`)
  console.log(`${what}: ${actual}`)
}

const waitForServer = async () => {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await call('/orders')
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error('the README example did not start')
}

const useExample = async () => {
  expectStatus('GET /orders without a token', 401, (await waitForServer()).status)
  const body = { email: 'ada@example.com', password: 'an honest passphrase' }
  expectStatus('POST /auth/signup', 201, (await call('/auth/signup', { method: 'POST', body })).status)
  const pair = await (await call('/auth/signin', { method: 'POST', body })).json()
  expectStatus('GET /orders with the token', 200, (await call('/orders', { token: pair.access_token })).status)
  const signOut = await call('/auth/signout', { method: 'POST', token: pair.access_token })
  expectStatus('POST /auth/signout', 204, signOut.status)
  expectStatus('GET /orders after signing out', 401, (await call('/orders', { token: pair.access_token })).status)
}

const runExample = async () => {
  // The lines are JavaScript as they stand, so that Node 20, which strips no types, runs them too.
  writeFileSync(join(project, 'app.mjs'), readmeLines())
  const env = { ...process.env, AUTH_SECRET: 'Vb7fQ0zR4tK9mX2cJ8sL5wN1gH6yD3pA' }
  const server = spawn(process.execPath, ['app.mjs'], { cwd: project, env, stdio: 'inherit' })
  try {
    await useExample()
  } finally {
    server.kill()
  }
}

try {
  const [library, server] = [pack('.'), pack('server')]
  judge(library)
  judge(server)
  installInEmptyProject(library)
  checkTypes()
  await runExample()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
