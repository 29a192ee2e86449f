import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceClient } from '@guestpass/client'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { digestOf } from '../../../tools/client/texts.ts'
import { openApiDocument } from '../src/index.ts'
import { keys, serviceForTests, type ServiceForTests } from './service-for-tests.ts'

const root = join(import.meta.dirname, '../../client')
const committed = readFileSync(join(root, 'openapi.json'), 'utf8')

let on: ServiceForTests
beforeAll(async () => {
  on = await serviceForTests()
})
afterAll(() => on.close())

it('the document and the types of the client are those of the service', async () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }
  expect(JSON.parse(committed), 'npm run client writes it').toEqual(
    JSON.parse(JSON.stringify(await openApiDocument(version))),
  )
  expect(readFileSync(join(root, 'src/schema.ts'), 'utf8')).toContain(digestOf(committed))
})

/** The paths that were called, each with the status of its answer. */
const called = new Set<string>()

/** Sends a request to the service, and checks its answer against the OpenAPI document. */
async function checkedFetch(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  const payload = await request.text()
  const { statusCode, headers, body } = await on.service.app.inject({
    method: request.method as 'GET',
    url: `${pathname}${search}`,
    headers: { ...Object.fromEntries(request.headers), host: 'localhost' },
    ...(payload === '' ? {} : { payload }),
  })
  checkAnswer(request.method.toLowerCase(), pathname, statusCode, String(headers['content-type']), body)
  return new Response(body, { status: statusCode, headers: { 'content-type': String(headers['content-type']) } })
}

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}
const document = JSON.parse(committed) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: object
}
const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema({ $id: 'service', components: document.components })

function checkAnswer(method: string, pathname: string, status: number, type: string, body: string): void {
  const [path = '', methods] =
    Object.entries(document.paths).find(
      ([one, operations]) =>
        method in operations && new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname),
    ) ?? []
  called.add(`${method} ${path}`)
  const { responses } = methods?.[method] ?? { responses: {} }
  const answer = responses[String(status)] ?? responses[`${String(status)[0]}XX`]
  const schema = answer?.content?.[type.split(';')[0] ?? '']?.schema
  expect(schema, `${method} ${path} has no answer ${status} of ${type}`).toBeDefined()
  if (!type.includes('json')) return
  const text = JSON.stringify(schema).replaceAll('"#/components', '"service#/components')
  const isValid = ajv.compile(JSON.parse(text) as object)
  expect(isValid(JSON.parse(body)), `${method} ${path} ${status}: ${ajv.errorsText(isValid.errors)} in ${body}`).toBe(
    true,
  )
}

const clientOf = (apiKey: string) => serviceClient({ url: 'http://localhost', apiKey, fetch: checkedFetch })

it('the client drives every route, and each answer is as the document says', async () => {
  const issuer = clientOf(keys.issuer)
  const operator = clientOf(keys.operator)
  const scopes = ['webmessaging:guest:send']
  const issued = await issuer.POST('/v1/guests', { body: { scopes } })
  const guestId = issued.data?.guestId ?? ''
  const path = { guestId }
  const { data: current } = await issuer.POST('/v1/guests/{guestId}/token', { params: { path } })
  expect(current?.token).toBe(issued.data?.token)
  await issuer.POST('/v1/guests/{guestId}/refresh', { params: { path } })
  const body = { token: current?.token ?? '' }
  expect((await issuer.POST('/v1/tokens/verify', { body })).data?.valid).toBe(true)
  await issuer.GET('/v1/guests', { params: { query: { limit: 1 } } })
  await issuer.GET('/v1/guests/{guestId}', { params: { path } })
  await operator.GET('/v1/guests/{guestId}/why', { params: { path } })
  await issuer.POST('/v1/guests/{guestId}/revoke', { params: { path } })
  await issuer.DELETE('/v1/guests/{guestId}', { params: { path } })

  const email = 'bob@mail.test'
  const { channelId } = on.upstream
  await issuer.POST('/v1/guests', { body: { api: 'engagements', email, consent: true, channelId, name: 'Bob' } })
  await operator.POST('/v1/people/find', { body: { email } })
  await operator.POST('/v1/people/export', { body: { email } })
  await operator.POST('/v1/people/erase', { body: { email } })

  await operator.GET('/v1/connections')
  await clientOf(keys.connection).POST('/v1/connections/{name}/token', { params: { path: { name: 'default' } } })
  await operator.POST('/v1/connections/{name}/login', { params: { path: { name: 'default' } } })

  const { data: endpoint } = await operator.POST('/v1/webhooks', { body: { url: 'https://hooks.example.org' } })
  const params = { path: { id: endpoint?.id ?? '' } }
  await operator.GET('/v1/webhooks')
  await operator.PATCH('/v1/webhooks/{id}', { params, body: { enabled: true } })
  await operator.POST('/v1/webhooks/{id}/rotate', { params })
  await operator.POST('/v1/webhooks/{id}/test', { params: { path: { id: 'idp' } } })
  await operator.POST('/v1/webhooks/{id}/redeliver', { params })
  await operator.GET('/v1/webhooks/{id}/dead', { params })
  await operator.DELETE('/v1/webhooks/{id}', { params })

  const { data: key } = await operator.POST('/v1/api-keys', { body: { name: 'made', roles: ['verifier'] } })
  await operator.GET('/v1/api-keys')
  const rotated = await operator.POST('/v1/api-keys/{id}/rotate', { params: { path: { id: key?.id ?? '' } } })
  await operator.DELETE('/v1/api-keys/{id}', { params: { path: { id: rotated.data?.id ?? '' } } })

  expect((await operator.POST('/session', { body: { key: keys.auditor } })).response.status).toBe(201)
  expect((await operator.GET('/session')).data?.roles).toEqual(['operator'])
  const headers = { origin: 'http://localhost' }
  expect((await operator.DELETE('/session', { headers })).data).toEqual({ ended: true })

  await operator.GET('/v1/audit', { params: { query: { limit: 5 } } })
  await operator.GET('/v1/audit/verify')
  await operator.GET('/v1/report')
  await operator.GET('/v1/health')
  await operator.GET('/readyz')
  await operator.GET('/metrics', { parseAs: 'text' })
  const { error } = await operator.GET('/v1/guests/{guestId}', { params: { path: { guestId: 'none' } } })
  expect(error).toMatchObject({ code: 'guest_unknown', status: 404 })

  const all = Object.entries(document.paths).flatMap(([one, methods]) => Object.keys(methods).map((m) => `${m} ${one}`))
  // A stream has no end here; listener.test.ts reads it.
  expect(all.filter((one) => !called.has(one))).toEqual(['get /v1/events'])
})
