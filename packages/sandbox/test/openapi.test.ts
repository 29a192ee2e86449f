import { expect, it } from 'vitest'
import { z } from 'zod'
import type { Sandbox } from '../src/index.ts'
import { clientOf, GUEST, mint, type Reply, send, START, startSandbox } from './genesys-client.ts'

type Schema = Parameters<typeof z.fromJSONSchema>[0]

interface Operation {
  readonly operationId: string
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } }
  readonly responses: Readonly<
    Record<string, { readonly content?: { readonly 'application/json': { readonly schema: Schema } } }>
  >
}

interface Document {
  readonly openapi: string
  readonly servers: readonly { readonly url: string }[]
  readonly security?: readonly unknown[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: { readonly Problem: Schema } }
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

const documentOf = async (sandbox: Sandbox, headers = {}): Promise<Document> =>
  (await send(sandbox, '/__sandbox/openapi.json', { headers })).json as unknown as Document

const request = (sandbox: Sandbox, path: string, method: string, body?: unknown): Promise<Reply> =>
  send(sandbox, path, {
    method: method.toUpperCase(),
    ...(method === 'post' && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body ?? {}),
    }),
  })

/** A body that each route accepts. */
async function bodies(sandbox: Sandbox): Promise<Readonly<Record<string, unknown>>> {
  const { id, secret } = clientOf(sandbox)
  const client = new URLSearchParams({ client_id: id, client_secret: secret })
  const { json } = await send(sandbox, '/oauth/device_authorization', { method: 'POST', body: client })
  return {
    faults: [{ on: 'mint', do: { status: 503 } }],
    clock: { advanceMs: 1 },
    keys: { roll: true, drop: true },
    limits: { perMinute: 100, burst: 5 },
    consent: { auto: true, deny: true, user: sandbox.users[1]?.id },
    device: { userCode: json['user_code'], approve: true },
    channels: { id: 'web', enabled: false },
    guests: { guestId: 'ann', end: true },
    webhooks: { secrets: [`whsec_${Buffer.alloc(32, 7).toString('base64')}`] },
  }
}

it('describes all control routes and no others, with bodies and answers as they are', async () => {
  const sandbox = await startSandbox({
    guests: [
      { guestId: 'ann', email: 'ann@example.com' },
      { api: 'guest-tokens', guestId: GUEST },
    ],
  })
  const { openapi, servers, security, paths, components } = await documentOf(sandbox)
  expect([openapi, servers, security]).toEqual(['3.1.1', [{ url: sandbox.url }], undefined])
  await mint(sandbox)
  await send(sandbox, '/webhooks/idp', { method: 'POST', body: '{}' })
  const accepted = await bodies(sandbox)
  const names = Object.values(paths).flatMap((operations) => Object.values(operations).map((one) => one.operationId))
  expect(new Set(names).size).toBe(names.length)
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { requestBody, responses }] of Object.entries(operations)) {
      const body = accepted[path.split('/')[2] ?? '']
      const bodySchema = requestBody?.content['application/json'].schema
      if (bodySchema) z.fromJSONSchema(bodySchema).parse(body)
      const reply = await request(sandbox, path, method, body)
      expect([method, path, reply.status, reply.text]).toEqual([method, path, responses['200'] ? 200 : 204, reply.text])
      const schema = responses['200']?.content?.['application/json'].schema
      if (schema) z.fromJSONSchema(schema).parse(JSON.parse(reply.text))
    }
    for (const method of METHODS.filter((one) => !(one in operations) && !(one === 'head' && 'get' in operations))) {
      const { status, headers, text } = await request(sandbox, path, method)
      expect([method, path, status]).toEqual([method, path, 405])
      const allowed = METHODS.filter((one) => one in operations || (one === 'head' && 'get' in operations))
      expect(headers.get('allow')).toBe(allowed.map((one) => one.toUpperCase()).join(', '))
      if (method !== 'head') z.fromJSONSchema(components.schemas.Problem).parse(JSON.parse(text))
    }
  }
  const listed = (await send(sandbox, '/__sandbox/')).json['detail']
  const served = Object.keys(paths).map((path) => path.replace('/__sandbox/', ''))
  expect(listed).toBe(
    `The control routes are ${served.slice(0, -1).join(', ')} and openapi.json, each under /__sandbox/.`,
  )
})

it('requires the control token in the document of a sandbox beyond loopback', async () => {
  const sandbox = await startSandbox({ host: '0.0.0.0', now: () => START })
  const { security } = await documentOf(sandbox, { 'x-sandbox-token': sandbox.controlToken })
  expect(security).toEqual([{ controlToken: [] }])
})
