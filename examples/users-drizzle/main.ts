import { randomBytes } from 'node:crypto'
import express from 'express'
import { createAuth, memoryStore } from 'jotward'
import { expressAuth } from 'jotward/express'
import { authRoutes } from 'jotward/routes'
import { openDatabase } from './database.ts'
import { drizzleUserDirectory } from './user-directory.ts'

const port = Number(process.env['PORT'] ?? 3000)
const issuer = `http://127.0.0.1:${port}`

const auth = createAuth({
  issuer,
  audience: issuer,
  // Sessions end with this process. An app that goes on keeps a secret, and a store that lasts.
  keys: { secret: randomBytes(32) },
  store: memoryStore(),
  users: drizzleUserDirectory(openDatabase(process.env['DATABASE'] ?? ':memory:')),
})
const { mount, principal, protect } = expressAuth(auth)

const app = express()
app.use(mount(authRoutes(auth)))
app.get('/orders', protect(), (request, response) => void response.json({ of: principal(request).subject }))

export const server = app.listen(port, '127.0.0.1')
