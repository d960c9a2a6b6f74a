import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Starts a script of this folder; it ends with the test at the latest. */
const start = (name: string, args: readonly string[]) => {
  const child = spawn(process.execPath, [script(name), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

type Answer = { readonly value: unknown } | { readonly failure: string; readonly message: string }

/** A process on a SQLite file that does what it is asked, one thing after another. */
export const startService = () => {
  const child = start('service.mjs', [])
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  const send = async (name: string, parameters: object): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify({ name, parameters })}\n`)
    const { value, done } = await answers.next()
    if (done === true) throw new Error(`the process ended at ${name}`)
    // The answers of service.mjs.
    return JSON.parse(value) as Answer
  }

  return {
    /** What a command answers with, which must succeed. */
    ask: async <T>(name: string, parameters: object): Promise<T> => {
      const answer = await send(name, parameters)
      if ('failure' in answer) throw new Error(`${name}: ${answer.failure}: ${answer.message}`)
      // Each command answers with what its test expects, or the test fails there.
      return answer.value as T
    },
    /** The code of the failure of a command, or 'accepted'. */
    codeOf: async (name: string, parameters: object): Promise<string> => {
      const answer = await send(name, parameters)
      return 'failure' in answer ? answer.failure : 'accepted'
    },
  }
}

export type Service = ReturnType<typeof startService>

/** A process that has been killed, and every line that it had written by then. */
export const runUntilKilled = async (
  name: string,
  args: readonly string[],
  isEnough: (lines: readonly string[]) => boolean,
): Promise<readonly string[]> => {
  const child = start(name, args)
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    // Lines that were on their way come all the same: the pipe outlives the process.
    if (isEnough(lines)) child.kill('SIGKILL')
  }
  return lines
}
