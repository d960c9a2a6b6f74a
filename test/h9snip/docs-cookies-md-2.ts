import { createAuth, memoryStore } from 'jotward'

export const auth = createAuth({
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  keys: { secret: process.env['AUTH_SECRET'] ?? '' },
  store: memoryStore(),
  delivery: 'cookie',
  csrf: { origins: ['https://app.example.com'] },
})

export {}
