// Written by tools/states_data.py from the record and from tables that it trains: do not edit.
(globalThis.bookParts ??= {}).stateTables = {
  "weeks": 1000000,
  "tables": [
    {"sees":"milestones","possible":32,"rows":30,"mean":33333.33333,"median":2795.5,"once":0.06666666667,"smooth":[0.1334188631,0.03627675035,0.2305609758],"rough":[0.143054076,0.01581165159,0.2702965005]},
    {"sees":"week","possible":384,"rows":336,"mean":2976.190476,"median":371.5,"once":0.119047619,"smooth":[0.2238977009,0.1316767972,0.3161186046],"rough":[0.2781436818,0.1499240813,0.4063632823]},
    {"sees":"contacts in a row, last channel, interest","possible":13824,"rows":4786,"mean":208.9427497,"median":6.0,"once":0.2705808608,"smooth":[0.002192755141,-0.1024465196,0.1068320299],"rough":[0.06071492467,-0.05958895961,0.181018809]},
    {"sees":"inbound or outbound","possible":27648,"rows":5240,"mean":190.8396947,"median":5.0,"once":0.3009541985,"smooth":[0.1343078349,0.002357431644,0.2662582382],"rough":[0.1768315572,0.03496767218,0.3186954422]},
    {"sees":"country and bootcamp in halves","possible":82944,"rows":10250,"mean":97.56097561,"median":4.0,"once":0.3254634146,"smooth":[0.1169164,0.04827663321,0.1855561667],"rough":[0.009439116622,-0.1154389709,0.1343172042]},
    {"sees":"country and bootcamp in tenths","possible":884736,"rows":27852,"mean":35.90406434,"median":2.0,"once":0.4131121643,"smooth":[-0.021434249,-0.1175546733,0.0746861753],"rough":[-0.03288782304,-0.124333409,0.05855776293]},
    {"sees":"country and bootcamp in full","possible":4243968,"rows":66620,"mean":15.01050736,"median":1.0,"once":0.5119333533,"smooth":[-0.2270521752,-0.2966941053,-0.1574102451],"rough":[-0.1866793825,-0.3096864334,-0.06367233161]}
  ]
};
