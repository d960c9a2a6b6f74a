import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const dist = new URL('../../dist/', import.meta.url).href

/** A store's tests as its author would write them, under the runner of Node itself. */
const program = `
import { test } from 'node:test'
import {
  revocationLogConformance,
  sessionStoreConformance,
  singleUseConformance,
  tokenRegisterConformance,
  userDirectoryConformance,
} from '${dist}testing/index.js'
import { memoryStore } from '${dist}stores/memory/index.js'

const open = () => {
  let nowMs = Date.now()
  const store = memoryStore({ now: () => nowMs })
  return { store, turn: (milliseconds) => void (nowMs += milliseconds), close: () => store.close() }
}
sessionStoreConformance(test, 'sessions', open)
revocationLogConformance(test, 'log', open)
tokenRegisterConformance(test, 'tokens', open)
singleUseConformance(test, 'single use', open)
userDirectoryConformance(test, 'users', () => open().store.users)
`

test('the suites run as they are built, under node:test', () => {
  const flags = ['--test-reporter=tap', '--input-type=module', '--eval', program]
  const { status, stdout } = spawnSync(process.execPath, flags, {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    encoding: 'utf8',
    // Under a runner that watches its children Node's own would report to that.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  })
  expect(stdout).toMatch(/^# pass [1-9]\d{2}$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
  expect(status).toBe(0)
})
