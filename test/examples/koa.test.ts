import { auth } from '../../examples/koa/app.ts'
import { seedExample } from './seed-suite.ts'

seedExample({ folder: 'koa', auth, main: () => import('../../examples/koa/main.ts') })
