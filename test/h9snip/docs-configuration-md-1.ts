import { createAuth, memoryStore } from 'jotward'

export const auth = createAuth({
  issuer: 'https://api.example.com',
  audience: 'https://api.example.com',
  keys: { secret: process.env['AUTH_SECRET'] ?? '' },
  store: memoryStore(),
  accessToken: { lifetime: '5m' },
  refreshToken: { idleLifetime: '14d' },
  delivery: 'cookie',
  hooks: { onEvent: (event) => console.log(event.type) },
})

export {}
