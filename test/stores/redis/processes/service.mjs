import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { createAuth } from '../../../../dist/index.js'
import { redisStore } from '../../../../dist/stores/redis/index.js'

// Does what it is asked, a line of JSON each, at the moment that all its kind are told; answers with a line each, and
// with one once it is connected.

const open = {
  ioredis: async ([node]) => {
    const client = new Redis(node.port, node.host)
    return { client, close: () => client.disconnect() }
  },
  'node-redis': async ([node]) => {
    const client = createClient({ socket: node })
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'ioredis, Cluster': async (nodes) => {
    const client = new Cluster(nodes)
    return { client, close: () => client.disconnect() }
  },
  'node-redis, Cluster': async (nodes) => {
    const client = createCluster({ rootNodes: nodes.map((socket) => ({ socket })) })
    await client.connect()
    return { client, close: () => client.destroy() }
  },
}

const until = async (moment) => {
  await wait(Math.max(0, moment - Date.now() - 20))
  while (Date.now() < moment);
}

const work = {
  /** Refreshes with every token so often at once: what each has become, and what was told of it. */
  storm: async (store, { secret, tokens, presentations, moment }) => {
    const told = []
    const onEvent = ({ type, sessionId }) => told.push({ type, sessionId })
    const shared = { issuer: 'https://id.example', audience: 'https://api.example', keys: { secret } }
    const auth = createAuth({ ...shared, store, hooks: { onEvent } })
    await auth.ready()
    await until(moment)
    const refreshed = tokens.flatMap((token, at) =>
      Array.from({ length: presentations }, async () => ({ at, next: (await auth.refresh(token)).refreshToken })),
    )
    return { refreshed: await Promise.all(refreshed), told }
  },
  /** Which of the identifiers this process was the one to spend. */
  spend: async ({ singleUse, ready }, { ids, moment }) => {
    await ready()
    await until(moment)
    const isMine = await Promise.all(ids.map((id) => singleUse.spend({ id, subject: 'ann', retention: 60 })))
    return ids.filter((_, at) => isMine[at])
  },
  /** Everybody's epochs, one after another. */
  bump: async ({ revocations, ready }, { times, moment }) => {
    await ready()
    await until(moment)
    const epochs = []
    for (let time = 0; time < times; time++) epochs.push(await revocations.bump(null))
    return epochs
  },
}

const { kind, nodes } = JSON.parse(process.argv[2])
const { client, close } = await open[kind](nodes)
process.stdout.write('"connected"\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { task, prefix, ...given } = JSON.parse(line)
  process.stdout.write(`${JSON.stringify(await work[task](redisStore(client, { prefix }), given))}\n`)
}
close()
