import { app } from './app.ts'

await app.listen({ port: Number(process.env['PORT'] ?? 3000), host: '127.0.0.1' })

export const { server } = app
