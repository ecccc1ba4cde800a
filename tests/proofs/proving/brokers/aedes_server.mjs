// aedes as a process: aedes_server.mjs NODE_MODULES PORT [TOPIC THAT IS DENIED]

import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [modules, port, denied] = process.argv.slice(2)
const { Aedes } = await import(pathToFileURL(join(modules, 'aedes', 'aedes.js')))

const broker = await Aedes.createBroker()
broker.authorizePublish = (_client, packet, answer) =>
  answer(denied && packet.topic === denied ? new Error('denied') : null)
createServer(broker.handle).listen(Number(port), '127.0.0.1')
