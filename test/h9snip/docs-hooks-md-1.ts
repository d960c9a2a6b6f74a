import { createAuth, memoryStore } from 'jotward'

const plans = new Map([['u1', 'pro']])
const banned = new Set<string>()

export const auth = createAuth({
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  keys: { secret: process.env['AUTH_SECRET'] ?? '' },
  store: memoryStore(),
  hooks: {
    claims: ({ subject, claims }) => ({ claims: { ...claims, plan: plans.get(subject) ?? 'free' } }),
    headers: ({ subject }) => ({ shard: subject.length % 4 }),
    isRevoked: ({ subject }) => banned.has(subject),
    verify: async ({ clientId }) => clientId !== 'retired-app',
    onEvent: (event) => console.log(JSON.stringify(event)),
  },
  errors: {
    on: {
      token_expired: ({ claims }) => ({ status: 401, body: { msg: 'again, please', of: claims?.['sub'] ?? null } }),
      default: ({ code, message }) => ({ body: { code, message } }),
    },
  },
})

export {}
