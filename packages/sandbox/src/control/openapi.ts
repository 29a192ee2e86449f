import { z } from 'zod'
import { problemAnswer } from './answers.ts'
import type { ControlRoute } from './route.ts'

interface DocumentParts {
  readonly routes: readonly ControlRoute[]
  /** The base URL of the sandbox. */
  readonly url: string
  /** Whether the routes require the control token. */
  readonly needsToken: boolean
}

/** Describes the control routes as an OpenAPI 3.1 document. */
export function openApiDocument({ routes, url, needsToken }: DocumentParts): Readonly<Record<string, unknown>> {
  const paths = new Map<string, Record<string, unknown>>()
  for (const route of routes) {
    const path = `/__sandbox${route.path}`
    paths.set(path, { ...paths.get(path), [route.method.toLowerCase()]: operation(route) })
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Control routes of the Guestpass sandbox', version: '1' },
    servers: [{ url }],
    ...(needsToken && { security: [{ controlToken: [] }] }),
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: { controlToken: { type: 'apiKey', in: 'header', name: 'x-sandbox-token' } },
      schemas: { Problem: jsonSchema(problemAnswer) },
      responses: {
        Problem: {
          description: 'The request is refused',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  }
}

function operation({ method, path, summary, body, query = {}, answer, answerHeaders = {} }: ControlRoute) {
  const parameters = Object.entries(query).map(([name, description]) => ({
    name,
    in: 'query',
    description,
    schema: { type: 'string' },
  }))
  const headers = Object.entries(answerHeaders).map(
    ([name, description]) => [name, { description, schema: { type: 'string' } }] as const,
  )
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[/.-](\w)/g, (_, first: string) => first.toUpperCase())}`,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: json(body) } }),
    responses: {
      ...(answer === undefined
        ? { 204: { description: 'Done' } }
        : {
            200: {
              description: summary,
              ...(headers.length > 0 && { headers: Object.fromEntries(headers) }),
              content: json(answer),
            },
          }),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

const json = (schema: z.ZodType) => ({ 'application/json': { schema: jsonSchema(schema) } })

/** `io: 'input'`: a member that has a default may be left out. */
function jsonSchema(schema: z.ZodType) {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}
