import express from 'express'
import { createAuth, memoryStore } from 'jotward'
import { expressAuth } from 'jotward/express'
import { authRoutes } from 'jotward/routes'

const issuer = 'https://app.example.com'
const keys = { secret: process.env['AUTH_SECRET'] ?? '' }
const store = memoryStore()
const auth = createAuth({ issuer, audience: issuer, keys, store, users: store.users, delivery: 'cookie' })
const { protect, principal, mount } = expressAuth(auth)

const app = express()
app.use(mount(authRoutes(auth)))
app.post('/orders', protect(), (request, response) => void response.json({ of: principal(request).subject }))
app.listen(3000)

export {}
