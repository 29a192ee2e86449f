/** The least that a service does: Fastify answers a request. A process of its own. */
import Fastify from 'fastify'

const app = Fastify()
app.post('/hello', async () => ({ hello: 'world' }))
const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.on('disconnect', () => process.exit())
process.send?.({ url })
