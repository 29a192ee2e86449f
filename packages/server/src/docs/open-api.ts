import swagger from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { guestRequest, guestRequests } from '../schemas/guests.ts'
import { page } from './page.ts'
import { readerPage } from './reader.ts'
import { type App, emptyBody } from '../routes/route-parts.ts'
import '../http/types.ts'

type Override = NonNullable<NonNullable<Parameters<typeof createJsonSchemaTransform>[0]['zodToJsonConfig']>['override']>

const requestNames: readonly string[] = guestRequests.map((schema) => String(schema.meta()?.['id']))

/**
 * Answers stay open for members of later versions: strict clients would refuse what says `additionalProperties: false`.
 * Formats have no pattern beside them. The request for a guest is one of the requests of the APIs.
 */
const override: Override = ({ jsonSchema, zodSchema }) => {
  const schema = jsonSchema as Record<string, unknown>
  const { def } = zodSchema._zod as unknown as { readonly def: { readonly catchall?: unknown } }
  if (schema['additionalProperties'] === false && def.catchall === undefined) delete schema['additionalProperties']
  if (schema['format'] !== undefined) delete schema['pattern']
  if ((zodSchema as unknown) === guestRequest) {
    for (const name of Object.keys(schema)) delete schema[name]
    schema['oneOf'] = requestNames.map((name) => ({ $ref: `#/components/schemas/${name}Input` }))
  }
}

const zodToJsonConfig = { override }

/** Parts of the document that the adapter makes. */
interface WrittenPaths {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, WrittenOperation | undefined>> | undefined>>
}
interface WrittenOperation {
  readonly operationId?: string
  readonly requestBody?: { required?: boolean }
}

/** Marks the bodies that may be left out, which the adapter cannot know. */
function withOptionalBodies<D extends object>(document: D, optional: ReadonlySet<string>): D {
  const { paths = {} } = document as WrittenPaths
  for (const methods of Object.values(paths))
    for (const operation of Object.values(methods ?? {}))
      if (operation?.requestBody && optional.has(operation.operationId ?? '')) operation.requestBody.required = false
  return document
}

/** Adds the OpenAPI document and the page that shows it. Call it before routes are added. */
export async function addOpenApi(app: App, version: string): Promise<void> {
  const optionalBodies = new Set<string>()
  const transformObject = createJsonSchemaTransformObject({ zodToJsonConfig })
  app.addHook('onRoute', (route) => {
    const { roles } = route.config ?? {}
    const { schema } = route
    if (route.preValidation === emptyBody) optionalBodies.add(schema?.operationId ?? '')
    if (!roles || !schema) return
    const described = schema as { security?: unknown; description?: string }
    described.security = [{ apiKey: [] }, { session: [] }]
    described.description = `Needs a key with the role ${roles.map((role) => `\`${role}\``).join(' or ')}.`
  })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Guestpass',
        description: 'Guest identity and token lifecycle for Genesys Cloud web messaging.',
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'An API key' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'guestpass-session',
            description: 'The session of a browser; on https the name begins with __Host-',
          },
        },
      },
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig }),
    transformObject: (input) => withOptionalBodies(transformObject(input), optionalBodies),
  })
}

/** Adds the routes of the document. Call it after all others. */
export function addDocumentRoutes(app: App): void {
  let document: string | undefined
  let reader: string | undefined
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    document ??= JSON.stringify(app.swagger())
    return reply.type('application/json; charset=utf-8').serializer(String).send(document)
  })
  app.get('/docs', { schema: { hide: true } }, (_request, reply) => {
    reader ??= readerPage(app.swagger())
    return reply.type('text/html; charset=utf-8').header('content-security-policy', page.policy).send(reader)
  })
}
