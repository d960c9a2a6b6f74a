import { writeSync } from 'node:fs'
import { openIssuer } from './issuer.mjs'

// Writes until it is killed, and says of each write that it was acknowledged, never before.

const { auth } = openIssuer(process.argv[2])

const acknowledge = (kind, { session, accessToken, refreshToken }) => {
  // Synchronous, so that nothing is said later than it is true.
  writeSync(1, `${JSON.stringify({ kind, sessionId: session.id, accessToken, refreshToken })}\n`)
}

for (let turn = 0; ; turn++) {
  const subject = `${process.argv[3]} ${turn}`
  const pair = await auth.issue({ subject })
  acknowledge('created', pair)
  const next = turn % 2 === 0 ? pair : await auth.refresh(pair.refreshToken)
  if (next !== pair) acknowledge('refreshed', next)
  if (turn % 5 === 1) {
    await auth.signOut(next.accessToken)
    acknowledge('ended', next)
  } else if (turn % 5 === 2) {
    await auth.revoke.token(await auth.verify(next.accessToken))
    acknowledge('token revoked', next)
  } else if (turn % 5 === 3) {
    await auth.signOutEverywhere(next.refreshToken)
    acknowledge('subject revoked', next)
  }
}
