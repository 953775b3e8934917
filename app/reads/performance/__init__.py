"""Performance: what fills made and what closed positions were worth, for each currency and whatever else makes groups.

    summed    one row a group: what its fills add up to, numbered by `g`
    curve     one row a fill: the running net PnL, and how far it is below its highest so far
    slots     what was made in short stretches of time, of which the bars and the days of any time zone are made
    bars      one row for each hour, day, week or month with a fill
    points    the fills or bars that are shown, thinned out where there are too many
    fallen    one row a group: the deepest drawdown
    daily     one row a group: what Sharpe and Sortino are made of
    traded    one row a group: what its closed positions add up to

`statement` puts together what the selection needs, no more. Sums over whole days in UTC are read from kept totals; a
drawdown is always that of the fills.
"""
