import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { waitUntil } from '../../stores/redis-server.ts'
import { temporaryFolder } from '../../stores/stores-under-test.ts'
import type { Address } from '../harness/proxy.ts'

/** A server whose disk can be full: by a limit on the size of its files, for which nobody needs to be root. */
export interface RedisOnDisk extends Address {
  /**
   * No file of it can grow any more; resolves once the server has found out. It finds out by a write that it acknowledges
   * and keeps in memory until there is room (`appendfsync everysec`); from then on it refuses.
   */
  fill(): Promise<void>
  /** There is room again. */
  empty(): void
  stop(): Promise<void>
}

const HOST = '127.0.0.1'

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A file that may not grow is told by a signal that kills, unless it is ignored: then by an error, as of a full disk. */
const IGNORING = 'trap "" XFSZ; exec "$@"'

export const startRedisOnDisk = async (): Promise<RedisOnDisk> => {
  const { folder, remove } = temporaryFolder()
  const dir = join(folder, 'data')
  mkdirSync(dir)
  const port = await freePort()
  const settings = { bind: HOST, port: String(port), dir, save: '', appendonly: 'yes', appendfsync: 'everysec' }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const child = spawn('sh', ['-c', IGNORING, 'sh', 'redis-server', ...args], { stdio: 'ignore' })
  const atExit = (): void => void child.kill('SIGKILL')
  process.once('exit', atExit)
  const admin = new Redis({ host: HOST, port, retryStrategy: () => 50 })
  admin.on('error', () => undefined)
  await waitUntil('a Redis server', async () => (await admin.ping()) === 'PONG')

  const limit = (bytes: string): void => {
    // The shell has become the server.
    const { status } = spawnSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:unlimited`])
    if (status !== 0) throw new Error('prlimit of util-linux is needed to fill a disk')
  }
  return {
    host: HOST,
    port,
    fill: async () => {
      limit('1')
      await waitUntil('a full disk', async () => {
        // Something must be written for it to be seen.
        await admin.set('filler', 'x').catch(() => undefined)
        return /aof_last_write_status:err/.test(await admin.info('persistence'))
      })
    },
    empty: () => limit('unlimited'),
    stop: async () => {
      admin.disconnect()
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      process.off('exit', atExit)
      remove()
    },
  }
}
