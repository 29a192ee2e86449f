import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { pageOf, piecesOf, printed } from './page.ts'

/** The programs of the page; the first is what all others begin with. */
const [setup, ...programs] = piecesOf(pageOf('docs/http-clients.md'), 'ts')

let upstream: Sandbox
beforeAll(async () => {
  upstream = await sandbox()
})
afterAll(() => upstream.close())

it.each(programs)('the lines for $title run as the page shows them', async ({ title, code }) => {
  const whole = `${setup?.code}\n${code}\nawait ports.close()\nprocess.exit()\n`
  const { stdout, stderr } = await printed(`http-clients-${title}`, whole, { env: upstream.env })
  expect([stdout, stderr]).toEqual(['200\n', ''])
})
