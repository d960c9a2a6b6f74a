import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { openIssuer } from './issuer.mjs'

// Answers commands, a line of JSON each, until its input ends. What fails is answered with the code of the failure.

const issuers = new Map()
const open = (file) => {
  const issuer = issuers.get(file) ?? openIssuer(file)
  issuers.set(file, issuer)
  return issuer
}

/** Begins with the others: they are all told the same moment. */
const startAt = async (moment) => {
  await wait(Math.max(0, moment - Date.now() - 20))
  while (Date.now() < moment);
}

const commands = {
  open: async ({ file, moment }) => {
    await startAt(moment)
    const { auth } = open(file)
    const { session } = await auth.issue({ subject: `process ${process.pid}` })
    return session.id
  },
  issue: async ({ file, subject }) => {
    const { session, accessToken, refreshToken } = await open(file).auth.issue({ subject })
    return { sessionId: session.id, subject, accessToken, refreshToken }
  },
  verify: async ({ file, token }) => (await open(file).auth.verify(token)).subject,
  refresh: async ({ file, token }) => (await open(file).auth.refresh(token)).refreshToken,
  signOut: async ({ file, token }) => open(file).auth.signOut(token),
  signOutEverywhere: async ({ file, token }) => open(file).auth.signOutEverywhere(token),
  revokeToken: async ({ file, token }) => {
    const { auth } = open(file)
    await auth.revoke.token(await auth.verify(token))
  },
  revokeSession: async ({ file, sessionId, subject }) => open(file).auth.revoke.session({ sessionId, subject }),
  revokeSubject: async ({ file, subject }) => open(file).auth.revoke.subject(subject),
  revokeEverything: async ({ file }) => open(file).auth.revoke.everything(),
  /** Presents every token so many times at once, and tells the answers by token and every event. */
  storm: async ({ file, tokens, presentations, moment }) => {
    const { auth, events } = open(file)
    events.length = 0
    await startAt(moment)
    const waves = Array.from({ length: presentations }, () => tokens.map((token) => auth.refresh(token)))
    const pairs = await Promise.all(waves.map((wave) => Promise.all(wave)))
    const successors = tokens.map((_, at) => [...new Set(pairs.map((wave) => wave[at].refreshToken))])
    return { successors, events }
  },
  /** Spends every identifier, and tells which of them it was the first to spend. */
  spend: async ({ file, ids, moment }) => {
    const { store } = open(file)
    await startAt(moment)
    return ids.filter((id) => store.singleUse.spend({ id, subject: 'ann', retention: 60 }))
  },
  /** Records the tokens of each call, a record each. */
  record: async ({ file, calls, moment }) => {
    const { store } = open(file)
    await startAt(moment)
    for (const records of calls) store.tokens.record(records)
  },
  /** Holds the write lock of the file for so many milliseconds, and answers as soon as it has it. */
  lock: async ({ file, milliseconds }) => {
    const { database } = open(file)
    database.exec('BEGIN IMMEDIATE')
    setTimeout(() => database.exec('ROLLBACK'), milliseconds)
  },
}

const answer = async ({ name, parameters }) => {
  try {
    return { value: (await commands[name](parameters)) ?? null }
  } catch (error) {
    return { failure: error.code ?? error.name, message: error.message }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  // One at a time: who asks waits for the answer.
  process.stdout.write(`${JSON.stringify(await answer(command))}\n`)
}
