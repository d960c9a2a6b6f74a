import { createAuth, memoryStore } from 'jotward'

const auth = createAuth({
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  keys: { secret: process.env['AUTH_SECRET'] ?? '' },
  store: memoryStore(),
  trackTokens: 'all',
})

const { accessToken, tokenId } = await auth.tokens.sign({ subject: 'reporter', permissions: ['orders:read'], lifetime: '10m' })
const { header, claims } = await auth.tokens.verify(accessToken)
console.log(header.typ, claims.sub)

const { tokens, next } = await auth.tokens.list('reporter', { limit: 20 })
console.log(tokens.length, next)

await auth.tokens.revoke(tokenId)
await auth.tokens.restore(tokenId)

export {}
