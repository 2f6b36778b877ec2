"""The ruler: how near an economy's own series are to those of the United States.

series.py      what an economy hands over
"""
