import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../../server/dist/main.js', import.meta.url))
const NOBODY = 65_534

/** A folder that goes when the test has ended. */
export const temporaryFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'jotward-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The same, also for a user other than root. */
export const openFolder = (): string => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o777)
  return folder
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Buffer
  /** Runs as a user whom file modes bind, where the tests themselves run as root. */
  readonly unprivileged?: true
}

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** `jotward …`, with no environment but what the test gives. */
export const spawnJotward = (args: readonly string[], { cwd, env = {}, unprivileged }: RunOptions = {}): Child => {
  const user = unprivileged && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: cwd ?? tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...user,
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

const collect = (child: Child): { stdout: string; stderr: string } => {
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  return output
}

/** Runs `jotward …` to its end. */
export const runJotward = async (args: readonly string[], options: RunOptions = {}): Promise<Outcome> => {
  const child = spawnJotward(args, options)
  const output = collect(child)
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  await once(child, 'close')
  return { code: child.exitCode, signal: child.signalCode, ...output }
}

export interface ServerProcess {
  readonly url: string
  readonly output: { readonly stdout: string; readonly stderr: string }
  signal(signal: NodeJS.Signals): void
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Outcome>
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Response>
}

/** Starts `jotward serve` on a free port and waits until it says that it serves. */
export const startServer = async (options: RunOptions = {}): Promise<ServerProcess> => {
  const child = spawnJotward(['serve'], { ...options, env: { PORT: '0', ...options.env } })
  const output = collect(child)
  const closed = once(child, 'close')
  while (!output.stdout.includes('Jotward serves')) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The server ended: ${output.stderr}`)
    await Promise.race([once(child.stdout, 'data'), closed])
  }
  const url = /Jotward serves (\S+)/.exec(output.stdout)?.[1] ?? ''
  return {
    url,
    output,
    signal: (signal) => child.kill(signal),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      await closed
      return { code: child.exitCode, signal: child.signalCode, ...output }
    },
    post: (path, body, headers = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
  }
}

/** The password of the first administrator, from what the server has printed. */
export const printedPassword = (stdout: string): string => /password {2}(\S+)/.exec(stdout)?.[1] ?? ''
