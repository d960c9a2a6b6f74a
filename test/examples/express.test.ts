import { auth } from '../../examples/express/app.ts'
import { seedExample } from './seed-suite.ts'

seedExample({ folder: 'express', auth, main: () => import('../../examples/express/main.ts') })
