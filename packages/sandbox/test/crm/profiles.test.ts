import { expect, it } from 'vitest'
import type { Sandbox } from '../../src/index.ts'
import { send, startSandbox } from '../genesys-client.ts'

const profileOf = async (sandbox: Sandbox, email: string) =>
  send(sandbox, `/crm/profiles?${new URLSearchParams({ email })}`)

it('has the same profile for an address in every run, in any case of the address', async () => {
  const [one, two] = [await startSandbox(), await startSandbox()]
  const { status, json } = await profileOf(one, 'ann.example@mail.example')
  expect([status, json]).toEqual([
    200,
    {
      customerId: expect.stringMatching(/^C-[0-9A-F]{10}$/),
      tier: expect.stringMatching(/^(bronze|silver|gold|platinum)$/),
      lastInteraction: expect.stringMatching(/^2025-\d\d-\d\dT\d\d:\d\d:00\.000Z$/),
    },
  ])
  expect((await profileOf(two, ' ANN.example@mail.example')).json).toEqual(json)
})

it('has a different profile for each address, and customers of every tier', async () => {
  const sandbox = await startSandbox()
  const all = await Promise.all(Array.from({ length: 40 }, (_, n) => profileOf(sandbox, `guest${n}@mail.example`)))
  expect(new Set(all.map(({ json }) => json['customerId'])).size).toBe(40)
  expect(new Set(all.map(({ json }) => json['tier'])).size).toBe(4)
})

it.each(['unknown@mail.example', 'Unknown+7@mail.example'])('answers 404 for %s', async (email) => {
  const reply = await profileOf(await startSandbox(), email)
  expect([reply.status, reply.json['code']]).toEqual([404, 'not.found'])
})

it.each(['unknownann@mail.example', 'ann+unknown@mail.example'])('answers 200 for %s', async (email) => {
  expect((await profileOf(await startSandbox(), email)).status).toBe(200)
})

it.each(['/crm/profiles', '/crm/profiles?email='])('refuses %s', async (path) => {
  const { status, json } = await send(await startSandbox(), path)
  expect([status, json['details']]).toMatchObject([400, [{ fieldName: 'email' }]])
})

it('takes the faults of its own operation', async () => {
  const sandbox = await startSandbox({ faults: [{ on: 'crm', do: { garble: 'html' } }] })
  expect((await profileOf(sandbox, 'ann@mail.example')).headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect((await profileOf(sandbox, 'ann@mail.example')).status).toBe(200)
})
