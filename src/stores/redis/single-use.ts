import type { SingleUse } from '../../ports/single-use.ts'
import type { StoreParts } from './parts.ts'
import { toText } from './replies.ts'

/** Keeps what is spent as keys that lapse. */
export const redisSingleUse = ({ runner, buckets }: StoreParts): SingleUse => ({
  spend: ({ id, retention }) => {
    // By the identifier alone: whoever names it with whatever subject must meet in one place.
    const bucket = buckets.ofId(id) ?? buckets.ofSubject(id)
    const args = [id, String(retention * 1000)]
    const call = { operation: 'spending an identifier', bucket, script: 'spend', args } as const
    return runner.runDurably(call, (reply) => toText(reply) === '1')
  },
})
